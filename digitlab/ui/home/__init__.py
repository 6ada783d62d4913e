"""The cells of the Home page."""
