"""The drawing room: canvas or photo → 28×28 digits as MNIST frames them → answer.

`source` opens what a person hands us and finds the ink, `paper` on photographs; `layout` finds its
marks and lines, `skeleton` where marks may be cut, `pieces` puts a line's pieces in order, `scores`
says how likely a run of them is a digit, and `segmentation` finds the digits with a predictor;
`stages` frames each, `trust` declines what is none, `recognition` is the answer. `strokes` draws
pen recordings so that they can take the very same way; `compose` and `doodles` make drawings whose
true reading is known.
"""
