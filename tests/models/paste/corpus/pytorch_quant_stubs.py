import torch
import torch.nn as nn
from torch.quantization import DeQuantStub, QuantStub


class QuantNet(nn.Module):
    def __init__(self, hidden_size_1=100, hidden_size_2=80):
        super(QuantNet, self).__init__()
        self.quant = QuantStub()
        self.linear1 = nn.Linear(28 * 28, hidden_size_1)
        self.linear2 = nn.Linear(hidden_size_1, hidden_size_2)
        self.linear3 = nn.Linear(hidden_size_2, 10)
        self.relu = nn.ReLU()
        self.dequant = DeQuantStub()

    def forward(self, img):
        x = img.view(-1, 28*28)
        x = self.quant(x)
        x = self.relu(self.linear1(x))
        x = self.relu(self.linear2(x))
        x = self.linear3(x)
        x = self.dequant(x)
        return x
