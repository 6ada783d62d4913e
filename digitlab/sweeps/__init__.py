"""Sweeps: many runs that belong together, all combinations or trials chosen as they go."""
