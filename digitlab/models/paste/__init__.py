"""Pasted text → an architecture, by an interpreter of our own that executes nothing.

`notebook` makes Python of what was pasted, `interpreter` reads it (`expressions`, `python`,
`standard`: Python itself; `native`: the protocol of libraries), `torch_library` and `keras` say
what the libraries offer, `candidates` finds the network, `torch_reading` and `trace` make layers of
its forward, and `read` puts it together.
"""
