"""Reading drawings: canvas or photo → 28×28 digits as MNIST frames them → answer.

`source` opens what a person hands us and finds the ink, `paper` on photographs; `layout` finds its
marks and lines, `skeleton` where marks may be cut, `pieces` how a line's pieces may be parted,
`spans` which of them may be a digit, `scores` says how likely they are, and `segmentation` finds
the digits with a predictor; `stages` frames each, `abstention` declines what is no digit, and
`recognition` is the answer. `strokes` draws pen recordings, which are then read in the same way;
`compose` and `doodles` make drawings whose true reading is known.
"""
