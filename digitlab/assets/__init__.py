"""Bundled runs: each folder is a run as it was saved, read-only; `make.py` trains them anew."""
