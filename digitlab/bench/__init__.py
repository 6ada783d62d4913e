"""Measurements that anybody can repeat, each by one command: `python -m digitlab bench`."""
