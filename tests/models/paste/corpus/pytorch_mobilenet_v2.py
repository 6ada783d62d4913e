from torch import nn


def divisible(value, by, least=None):
    """The multiple of `by` next to value, but not more than a tenth smaller."""
    if least is None:
        least = by
    rounded = max(least, int(value + by / 2) // by * by)
    if rounded < 0.9 * value:
        rounded += by
    return rounded


class ConvNormAct(nn.Sequential):
    def __init__(self, cin, cout, kernel_size=3, stride=1, groups=1):
        super(ConvNormAct, self).__init__(
            nn.Conv2d(cin, cout, kernel_size, stride, (kernel_size - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU6(inplace=True)
        )


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand):
        super(InvertedResidual, self).__init__()
        assert stride in [1, 2]
        wide = int(round(cin * expand))
        self.skip = stride == 1 and cin == cout

        layers = []
        if expand != 1:
            layers.append(ConvNormAct(cin, wide, kernel_size=1))
        layers.extend([
            ConvNormAct(wide, wide, stride=stride, groups=wide),
            nn.Conv2d(wide, cout, 1, 1, 0, bias=False),   # linear bottleneck
            nn.BatchNorm2d(cout),
        ])
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        if self.skip:
            return x + self.conv(x)
        else:
            return self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, num_classes=10, width_mult=1.0, multiple=8):
        super(MobileNetV2, self).__init__()
        settings = [
            # expand, channels, repeats, stride
            [1, 8, 1, 1],
            [4, 12, 2, 2],
            [4, 16, 2, 2],
        ]
        if len(settings) == 0 or len(settings[0]) != 4:
            raise ValueError("four numbers in each row, please: {}".format(settings))

        channels = divisible(8 * width_mult, multiple)
        self.last = divisible(64 * max(1.0, width_mult), multiple)
        features = [ConvNormAct(1, channels, stride=1)]
        for t, c, n, s in settings:
            width = divisible(c * width_mult, multiple)
            for i in range(n):
                features.append(InvertedResidual(channels, width, s if i == 0 else 1, expand=t))
                channels = width
        features.append(ConvNormAct(channels, self.last, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(self.last, num_classes))
        self._initialize_weights()

    def _initialize_weights(self):
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_out')
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.features(x)
        x = x.mean([2, 3])
        return self.classifier(x)
