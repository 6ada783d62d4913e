"""Architectures as data, and what builds them.

`spec` and `presets` read and write architectures and do not import torch; `layers`, `blocks` and
`build` turn them into networks and do. Import the modules themselves: this file stays empty so
that a page which only names architectures opens fast.
"""
