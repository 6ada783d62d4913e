"""How much is read of a file from outside; each is checked before memory is spent."""

from __future__ import annotations

MAX_BYTES = 512_000_000  # of a file as it comes; 70,000 images in a CSV have 128 MB
MAX_UNPACKED = 600_000_000  # of all that is packed in it together; as float64 they have 439 MB
MAX_IMAGES = 300_000  # EMNIST's digits are 280,000
MAX_VALUES = 750_000_000  # pixels times channels of all images: 60,000 of 64×64 in colours
MAX_IMAGE_BYTES = 32_000_000  # of an image's file
MOST_DAMAGED = 0.01  # of the image files: they are left out; notMNIST has 2 of 18,726
MAX_TABLE_BYTES = 32_000_000  # of a table of labels beside images
PIXELS_A_BYTE = 50  # of all image files together; photos have 10, an empty sheet has 1,000 …
FREE_PIXELS = 200_000_000  # … of which so many do no harm
SPARSE_CELLS = 20  # of a table that leaves out what is 0, for each of its bytes; digits have 2 …
FREE_CELLS = 20_000_000  # … beside so many
MAX_DATA_FILES = 1_000  # tables and arrays in an archive
MAX_SIDE = 1_024  # pixels of an image in an array or a table
MIN_KEPT, MAX_KEPT = 8, 128  # pixels of a side as which images may be kept
MAX_CLASSES = 1_000  # more different labels are no classes
