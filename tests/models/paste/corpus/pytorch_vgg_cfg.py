''' Small VGGs for digits that were padded to 32x32. 'M' is a pooling. '''
import torch
import torch.nn as nn

PLANS = {
    'vgg7': [16, 'M', 32, 'M', 64, 64, 'M'],
    'vgg9': [16, 'M', 32, 'M', 64, 64, 'M', 64, 64, 'M', 64, 64, 'M'],
    'vgg13': [64, 64, 'M', 128, 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'],
}


class VGG(nn.Module):
    def __init__(self, plan, batch_norm=True):
        super(VGG, self).__init__()
        self.features = self._make_layers(PLANS[plan], batch_norm)
        self.classifier = nn.Linear(64, 10)

    def _make_layers(self, plan, batch_norm):
        layers = []
        channels = 1
        for width in plan:
            if width == 'M':
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
                continue
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1)]
            if batch_norm:
                layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            else:
                layers.append(nn.ReLU(inplace=True))
            channels = width
        layers += [nn.AvgPool2d(kernel_size=1, stride=1)]
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.features(x)
        x = x.view(x.size(0), -1)
        return self.classifier(x)


def check():
    net = VGG('vgg9')
    print(net(torch.randn(2, 1, 32, 32)).shape)

# check()
