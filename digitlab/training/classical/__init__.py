"""Fitting scikit-learn models, in a process of their own so that they can be stopped."""
