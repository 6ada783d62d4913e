import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class MyLinear(nn.Module):
    def __init__(self, n_in, n_out, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        if bias:
            self.bias = nn.Parameter(torch.empty(n_out))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = nn.init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in)
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


class Mnist_Logistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(784, 32) / math.sqrt(784))
        self.bias = nn.Parameter(torch.zeros(32))
        self.second = MyLinear(32, 16)
        self.third = MyLinear(16, 10, bias=False)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, xb):
        xb = xb.view(xb.size(0), -1)
        h = torch.tanh(xb @ self.weights + self.bias)
        h = torch.relu(self.second(h))
        return self.third(h) * self.scale
