import torch
import torch.nn as nn


class SeparableConv2d(nn.Module):
    def __init__(self, c_in, c_out, kernel_size=3, padding=1, dilation=1, bias=False):
        super().__init__()
        self.depthwise = nn.Conv2d(c_in, c_in, kernel_size, padding=padding, dilation=dilation, groups=c_in, bias=bias)
        self.pointwise = nn.Conv2d(c_in, c_out, 1, bias=bias)

    def forward(self, x):
        x = self.depthwise(x)
        x = self.pointwise(x)
        return x


class XBlock(nn.Module):
    def __init__(self, c_in, c_out, reps, stride=1, start_with_relu=True):
        super().__init__()
        rep = []
        c = c_in
        for k in range(reps):
            rep.append(nn.ReLU(inplace=False))
            rep.append(SeparableConv2d(c, c_out))
            rep.append(nn.BatchNorm2d(c_out))
            c = c_out
        if not start_with_relu:
            rep = rep[1:]
        if stride != 1:
            rep.append(nn.MaxPool2d(3, stride, 1))
        self.rep = nn.Sequential(*rep)
        self.skip = nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False)
        self.skipbn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return self.rep(x).add(self.skipbn(self.skip(x)))


class Xception(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.entry = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        for i, (a, b) in enumerate([(8, 16), (16, 24)], start=1):
            setattr(self, f"block{i}", XBlock(a, b, reps=2, stride=2, start_with_relu=(i > 1)))
        self.fc = nn.Linear(24, num_classes)

    def features(self, x):
        x = self.entry(x)
        for i in (1, 2):
            x = getattr(self, f"block{i}")(x)
        return x

    def logits(self, features):
        x = nn.ReLU(inplace=True)(features)
        x = nn.functional.adaptive_avg_pool2d(x, 1)
        x = x.view(x.size(0), -1)
        return self.fc(x)

    def forward(self, x):
        return self.logits(self.features(x))
