"""The forms in which a network leaves digitlab: plain PyTorch code, an ONNX graph."""
