"""Carrying an experiment out: preparing, training, recording, and continuing it."""
