"""A model as a privacy tutorial has it."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from opacus import PrivacyEngine


class SampleConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 8, 2, padding=3)
        self.conv2 = nn.Conv2d(8, 16, 4, 2)
        self.fc1 = nn.Linear(16 * 4 * 4, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        # x of shape [B, 1, 28, 28]
        x = F.relu(self.conv1(x))  # -> [B, 8, 14, 14]
        x = F.max_pool2d(x, 2, 1)  # -> [B, 8, 13, 13]
        x = F.relu(self.conv2(x))  # -> [B, 16, 5, 5]
        x = F.max_pool2d(x, 2, 1)  # -> [B, 16, 4, 4]
        x = x.view(-1, 16 * 4 * 4)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return x

    def name(self):
        return "SampleConvNet"


model = SampleConvNet()
privacy_engine = PrivacyEngine()
model, optimizer, train_loader = privacy_engine.make_private(
    module=model, optimizer=optimizer, data_loader=train_loader, noise_multiplier=1.0, max_grad_norm=1.0)
