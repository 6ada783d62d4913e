"""A person's own nn.Module → an architecture: `trace` watches it run, `read` says it as layers.

Only in Python and on the command line, where the code is the person's own: the module is run.
"""
