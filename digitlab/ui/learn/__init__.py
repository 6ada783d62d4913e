"""The cells of the Learn page."""
