import torch
import torch.nn as nn


class AlexNet(nn.Module):
    def __init__(self, width_mult=1):
        super(AlexNet, self).__init__()
        self.layer1 = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),  # 16*28*28
            nn.MaxPool2d(kernel_size=2, stride=2),  # 16*14*14
            nn.ReLU(inplace=True),
        )
        self.layer2 = nn.Sequential(
            nn.Conv2d(16, 32, kernel_size=3, padding=1),  # 32*14*14
            nn.MaxPool2d(kernel_size=2, stride=2),  # 32*7*7
            nn.ReLU(inplace=True),
        )
        self.layer3 = nn.Sequential(nn.Conv2d(32, 48, kernel_size=3, padding=1))
        self.layer4 = nn.Sequential(nn.Conv2d(48, 48, kernel_size=3, padding=1))
        self.layer5 = nn.Sequential(
            nn.Conv2d(48, 32, kernel_size=3, padding=1),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 32*3*3
            nn.ReLU(inplace=True),
        )
        self.fc1 = nn.Linear(32 * 3 * 3, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = self.layer5(x)
        x = x.view(-1, 32 * 3 * 3)
        x = self.fc1(x)
        x = self.fc2(x)
        x = self.fc3(x)
        return x


class LRNAlexNet(AlexNet):
    """The one with two pipelines and response normalisation."""

    def __init__(self):
        super().__init__()
        self.lrn = nn.LocalResponseNorm(size=5, alpha=0.0001, beta=0.75, k=2)
        self.fc3 = nn.Linear(64, 10, bias=False)

    def forward(self, x):
        x = self.lrn(self.layer1(x))
        x = self.lrn(self.layer2(x))
        x = self.layer5(torch.relu(self.layer4(torch.relu(self.layer3(x)))))
        x = x.view(x.size(0), 32 * 3 * 3)
        for fc in (self.fc1, self.fc2):
            x = nn.functional.dropout(nn.functional.relu(fc(x)), 0.5, self.training)
        return self.fc3(x)
