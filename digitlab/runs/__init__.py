"""What is remembered of an experiment, and carrying one out."""
