import torch
import torch.nn as nn
import torch.nn.functional as F


class Highway(nn.Module):
    """ y = T(x) * H(x) + (1 - T(x)) * x """

    def __init__(self, size, num_layers, f=F.relu):
        super(Highway, self).__init__()
        self.num_layers = num_layers
        self.nonlinear = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.linear = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.gate = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.f = f

    def forward(self, x):
        for layer in range(self.num_layers):
            gate = torch.sigmoid(self.gate[layer](x))
            nonlinear = self.f(self.nonlinear[layer](x))
            linear = self.linear[layer](x)
            x = gate * nonlinear + (1 - gate) * linear
        return x


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(784, 50)
        self.highway = Highway(50, 4, f=torch.tanh)
        self.out = nn.Linear(50, 10)

    def forward(self, x):
        x = x.flatten(1)
        return self.out(self.highway(F.relu(self.inp(x))))
