import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(784, 10), nn.Linear(784, 10)

    def forward(self, x):
        x = x.view(-1, 784)
        if x.mean() > 0.5:
            return self.a(x)
        return self.b(x)

net = Net()
