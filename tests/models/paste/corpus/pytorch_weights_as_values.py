import torch
import torch.nn as nn
import torch.nn.functional as F


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 14 * 14, 20)
        self.out = nn.Linear(20, 10)

    def forward(self, x):
        x = F.conv2d(x, self.conv.weight, self.conv.bias, padding=1)
        x = F.max_pool2d(x * (x > 0), 2).flatten(1)
        x = x @ self.fc.weight.T + self.fc.bias
        x = torch.where(x < 0, torch.exp(x) - 1, x)
        return torch.matmul(x, self.out.weight.t()) + self.out.bias


net = Classifier()
