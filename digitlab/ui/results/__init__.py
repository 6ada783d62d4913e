"""The Results page: one run, measured on some images, taken apart."""
