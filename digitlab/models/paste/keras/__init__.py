"""Keras as a pasted text or a saved config uses it, read as layers of PyTorch.

`library` is what `import keras` gives, `layer` and `tensor` are what its calls make, a file for
each family of layers says what they become, and `network` and `config` give the layers of a spec.
"""
