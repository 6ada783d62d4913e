"""Results → the code that reproduces them outside the app."""
