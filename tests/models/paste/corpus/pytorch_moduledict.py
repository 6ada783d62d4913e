import torch
import torch.nn as nn


class Choices(nn.Module):
    def __init__(self, act="lrelu"):
        super().__init__()
        self.acts = nn.ModuleDict([["lrelu", nn.LeakyReLU()], ["prelu", nn.PReLU()]])
        self.parts = nn.ModuleDict({
            "conv": nn.Conv2d(1, 10, 3),
            "pool": nn.MaxPool2d(3),
        })
        self.parts["conv_b"] = nn.Conv2d(10, 12, kernel_size=(3, 1), stride=(2, 1))
        self.act = act
        self.heads = nn.ModuleDict()
        for digit in range(2):
            self.heads[f"h{digit}"] = nn.Linear(12 * 3 * 8, 5)

    def forward(self, x):
        x = self.acts[self.act](self.parts["conv"](x))
        x = self.parts["pool"](x)
        x = self.parts["conv_b"](x)
        x = x.flatten(1)
        return torch.cat([head(x) for name, head in self.heads.items()], -1)
