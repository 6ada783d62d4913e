"""The Results page: one run, evaluated on some images."""
