"""The drawing room: canvas or photo → 28×28 digits as MNIST frames them → answer.

`source` opens what a person hands us and finds the ink; `layout` finds its marks and lines, `cuts`
where marks may be cut, `pieces` puts a line's pieces in order, and `segmentation` finds the digits
among them with a predictor; `stages` frames each, `recognition` is the answer. `strokes` draws pen
recordings so that they can take the very same way.
"""
