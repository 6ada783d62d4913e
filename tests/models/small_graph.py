"""A small network with a bit of everything that graphs may have."""

from digitlab.models.spec import ModelSpec

SMALL_GRAPH = ModelSpec.from_yaml("""
name: A bit of everything
input: [1, 28, 28]
layers:
  - Conv2d: {name: stem.conv, out_channels: 4, kernel_size: 5, stride: 4}
  - BatchNorm2d: {name: stem.bn}
  - ReLU: {name: stem.relu}
  - Conv2d: {name: block.conv1, out_channels: 4, kernel_size: 3, padding: 1}
  - ReLU
  - Reuse: {layer: block.conv1, name: again}
  - Add: {name: block.sum, from: [again, stem.relu]}
  - Concatenate: {from: [block.sum, stem.relu]}
  - Residual: {layers: [{Conv2d: {name: inner, out_channels: 8, kernel_size: 3, padding: 1}}, SELU]}
  - MaxPool2d: {kernel_size: 2}
  - Flatten: {start_dim: 2}
  - Transpose: {name: tokens, dim0: 1, dim1: 2}
  - Parameter: {name: position, shape: [9, 8], init: normal, std: 0.02}
  - Add: {from: [tokens, position]}
  - MultiheadAttention: {name: attention, num_heads: 2}
  - LSTM: {name: rnn, hidden_size: 12}
  - Select: {dim: 1, index: -1}
  - Dropout: {name: drop, p: 0.1}
  - Linear: {name: fc, out_features: 10}
""")
