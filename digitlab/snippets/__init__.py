"""The code under each cell of a page, which gives the same results outside the app."""
