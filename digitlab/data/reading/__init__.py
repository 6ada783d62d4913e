"""Reading the files in which people keep labelled images: `read` → `LabelledImages`.

`form` recognises what a file is; `tables`, `sparse`, `arrays`, `idx` and `folders` read one family
of forms each, into a `Part` for each part of the data (train, test), and so do `hdf5`, `matlab` and
`parquet`, which `apart` runs in a process of its own.
`pixels` brings numbers to 0…255, `paper` tells ink from paper, `labels` finds the class that a
label names, `orientation` asks a predictor whether the images lie as their labels say. Nothing is
unpickled or executed, and sizes are bounded while they are read.
"""
