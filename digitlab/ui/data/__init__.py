"""The cells of the Data page."""
