import torch
import torch.nn as nn
import torch.nn.functional as F


class AuxHead(nn.Module):
    def __init__(self, cin, classes):
        super().__init__()
        self.conv = nn.Conv2d(cin, 8, 1)
        self.fc = nn.Linear(8 * 4 * 4, classes)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(x, (4, 4))
        x = F.relu(self.conv(x), inplace=True)
        return self.fc(torch.flatten(x, 1))


class GoogLeNetish(nn.Module):
    def __init__(self, aux_logits=True, classes=10):
        super().__init__()
        self.aux_logits = aux_logits
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.left = nn.Conv2d(16, 16, 1)
        self.right = nn.Conv2d(16, 16, (1, 5), padding=(0, 2))
        if aux_logits:
            self.aux = AuxHead(32, classes)
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        x = self.stem(x)
        x = torch.cat((self.left(x), self.right(x)), dim=1).relu()
        if self.training and self.aux_logits:
            side = self.aux(x)
        x = F.avg_pool2d(x, x.size()[2:])
        x = torch.squeeze(torch.squeeze(x, 3), 2)
        out = self.fc(x)
        if self.training and self.aux_logits:
            return out, side
        return out
