"""What is computed from a run: features, label issues, robustness, attributions, answers."""
