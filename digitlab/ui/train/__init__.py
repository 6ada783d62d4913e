"""The cells of the Train page."""
