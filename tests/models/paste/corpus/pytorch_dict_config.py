import torch.nn as nn

config = {
    "input_dim": 28 * 28,
    "hidden": [256, 128, 64],
    "output_dim": 10,
    "dropout": 0.3,
    "batch_norm": True,
    "epochs": 20,
    "lr": 1e-3,
}

class FlexibleMLP(nn.Module):
    def __init__(self, input_dim, hidden, output_dim, dropout=0.0, batch_norm=False, **kwargs):
        super().__init__()
        dims = [input_dim, *hidden]
        self.layers = nn.ModuleList()
        for i in range(len(dims) - 1):
            self.layers.append(nn.Linear(dims[i], dims[i + 1]))
            if batch_norm:
                self.layers.append(nn.BatchNorm1d(dims[i + 1]))
            self.layers.append(nn.LeakyReLU(negative_slope=0.05))
            if dropout > 0:
                self.layers.append(nn.Dropout(dropout))
        self.layers.append(nn.Linear(dims[-1], output_dim))

    def forward(self, x):
        out = x.view(len(x), -1)
        for layer in self.layers:
            out = layer(out)
        return out

mlp = FlexibleMLP(**config)
