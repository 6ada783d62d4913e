"""The cells of the Architecture page: one architecture as layers, as YAML and as a diagram."""
