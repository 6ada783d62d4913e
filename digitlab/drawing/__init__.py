"""The drawing room: canvas or photo → 28×28 digits as MNIST frames them → answer.

`source` opens what a person hands us and finds the ink, `stages` frames it, `recognition` asks a
predictor, `strokes` draws pen recordings so that they can take the very same way.
"""
