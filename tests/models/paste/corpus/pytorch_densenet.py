import math
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F


class DenseLayer(nn.Sequential):
    """BN-ReLU-1x1, BN-ReLU-3x3; what comes in is put in front of what goes out."""

    def __init__(self, channels, growth, bottleneck, drop):
        super(DenseLayer, self).__init__()
        middle = bottleneck * growth
        self.add_module('norm1', nn.BatchNorm2d(channels))
        self.add_module('relu1', nn.ReLU(inplace=True))
        self.add_module('conv1', nn.Conv2d(channels, middle, kernel_size=1, stride=1, bias=False)),
        self.add_module('norm2', nn.BatchNorm2d(middle)),
        self.add_module('relu2', nn.ReLU(inplace=True)),
        self.add_module('conv2', nn.Conv2d(middle, growth, kernel_size=3, padding=1, bias=False)),
        self.drop = drop

    def forward(self, x):
        fresh = super(DenseLayer, self).forward(x)
        if self.drop > 0:
            fresh = F.dropout(fresh, p=self.drop, training=self.training)
        return torch.cat([x, fresh], 1)


class DenseBlock(nn.Sequential):
    def __init__(self, depth, channels, bottleneck, growth, drop):
        super(DenseBlock, self).__init__()
        for i in range(depth):
            self.add_module('layer%d' % (i + 1),
                            DenseLayer(channels + i * growth, growth, bottleneck, drop))


class Transition(nn.Sequential):
    def __init__(self, channels, halved):
        super(Transition, self).__init__()
        self.add_module('norm', nn.BatchNorm2d(channels))
        self.add_module('relu', nn.ReLU(inplace=True))
        self.add_module('conv', nn.Conv2d(channels, halved, kernel_size=1, bias=False))
        self.add_module('pool', nn.AvgPool2d(kernel_size=2, stride=2))


class DenseNet(nn.Module):
    def __init__(self, growth=8, depths=(2, 3, 2), stem=16, bottleneck=2, drop=0.1, num_classes=10):
        super(DenseNet, self).__init__()
        self.features = nn.Sequential(OrderedDict([
            ('conv0', nn.Conv2d(1, stem, kernel_size=3, stride=1, padding=1, bias=False)),
            ('norm0', nn.BatchNorm2d(stem)),
            ('relu0', nn.ReLU(inplace=True)),
            ('pool0', nn.MaxPool2d(kernel_size=3, stride=2, padding=1)),
        ]))
        channels = stem
        for i, depth in enumerate(depths):
            self.features.add_module('block%d' % (i + 1),
                                     DenseBlock(depth, channels, bottleneck, growth, drop))
            channels = channels + depth * growth
            if i != len(depths) - 1:
                self.features.add_module('transition%d' % (i + 1), Transition(channels, channels // 2))
                channels = channels // 2
        self.features.add_module('norm_last', nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)

        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight.data)
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
            elif isinstance(m, nn.Linear):
                m.bias.data.zero_()

    def forward(self, x):
        maps = self.features(x)
        out = F.relu(maps, inplace=True)
        out = F.adaptive_avg_pool2d(out, (1, 1)).view(maps.size(0), -1)
        return self.classifier(out)


def densenet(**kwargs):
    return DenseNet(**kwargs)


net = densenet(num_classes=10)
