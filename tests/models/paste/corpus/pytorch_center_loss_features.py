import torch
import torch.nn as nn
import torch.nn.functional as F


class ConvNet(nn.Module):
    """LeNet++ with two features, to be drawn"""
    def __init__(self, num_classes):
        super(ConvNet, self).__init__()
        self.conv1_1 = nn.Conv2d(1, 8, 5, stride=1, padding=2)
        self.prelu1_1 = nn.PReLU()
        self.conv1_2 = nn.Conv2d(8, 8, 5, stride=1, padding=2)
        self.prelu1_2 = nn.PReLU()
        self.conv2_1 = nn.Conv2d(8, 16, 5, stride=1, padding=2)
        self.prelu2_1 = nn.PReLU()
        self.fc1 = nn.Linear(16*7*7, 2)
        self.prelu_fc1 = nn.PReLU()
        self.fc2 = nn.Linear(2, num_classes)

    def forward(self, x):
        x = self.prelu1_1(self.conv1_1(x))
        x = self.prelu1_2(self.conv1_2(x))
        x = F.max_pool2d(x, 2)
        x = self.prelu2_1(self.conv2_1(x))
        x = F.max_pool2d(x, 2)
        x = x.view(-1, 16*7*7)
        x = self.prelu_fc1(self.fc1(x))
        y = self.fc2(x)
        return x, y

__factory = {
    'cnn': ConvNet,
}

def create(name, num_classes):
    if name not in __factory.keys():
        raise KeyError("Unknown model: {}".format(name))
    return __factory[name](num_classes)
