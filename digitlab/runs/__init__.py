"""What is remembered of an experiment: runs, their records and checkpoints."""
