from collections import OrderedDict

import torch.nn as nn


class LeNet5(nn.Module):
    """LeCun et al. 1998, without the odd connections of C3.

    input  1 @ 32x32
    c1     6 @ 28x28
    s2     6 @ 14x14
    c3    16 @ 10x10
    s4    16 @ 5x5
    c5   120 @ 1x1
    f6    84
    out   10
    """
    def __init__(self):
        super(LeNet5, self).__init__()

        self.features = nn.Sequential(OrderedDict([
            ('c1', nn.Conv2d(1, 6, kernel_size=(5, 5))),
            ('tanh1', nn.Tanh()),
            ('s2', nn.AvgPool2d(kernel_size=(2, 2), stride=2)),
            ('c3', nn.Conv2d(6, 16, kernel_size=(5, 5))),
            ('tanh3', nn.Tanh()),
            ('s4', nn.AvgPool2d(kernel_size=(2, 2), stride=2)),
            ('c5', nn.Conv2d(16, 120, kernel_size=(5, 5))),
            ('tanh5', nn.Tanh())
        ]))
        head = OrderedDict()
        head['f6'] = nn.Linear(120, 84)
        head['tanh6'] = nn.Tanh()
        head['f7'] = nn.Linear(84, 10)
        head['logp'] = nn.LogSoftmax(dim=-1)
        self.head = nn.Sequential(head)

    def forward(self, img):
        maps = self.features(img)
        return self.head(maps.view(img.size(0), -1))
