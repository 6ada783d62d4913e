"""Benchmarks that anybody can repeat with one command: `python -m digitlab bench`."""
