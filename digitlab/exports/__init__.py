"""Runs and architectures as files: code, weights, ONNX, tables, report, notebook, ZIP."""
