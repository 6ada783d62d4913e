import torch as T
from torch import nn


class Maxout(nn.Module):
    def __init__(self, d_in, d_out, pool_size):
        super().__init__()
        self.d_in, self.d_out, self.pool_size = d_in, d_out, pool_size
        self.lin = nn.Linear(d_in, d_out * pool_size)

    def forward(self, inputs):
        shape = list(inputs.size())
        shape[-1] = self.d_out
        shape.append(self.pool_size)
        max_dim = len(shape) - 1
        out = self.lin(inputs)
        m, i = out.view(*shape).max(max_dim)
        return m


class MaxoutNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Maxout(784, 40, 3)
        self.b = Maxout(40, 20, 2)
        self.out = nn.Linear(20, 10)

    def forward(self, x):
        x = T.flatten(x, start_dim=1)
        return T.log_softmax(self.out(self.b(self.a(x))), dim=-1)
