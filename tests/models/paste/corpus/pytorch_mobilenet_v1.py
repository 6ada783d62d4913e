import torch
import torch.nn as nn

class MobileNet(nn.Module):
    def __init__(self, ch_in, n_classes):
        super(MobileNet, self).__init__()

        def stem(i, o, s):
            return nn.Sequential(
                nn.Conv2d(i, o, 3, s, 1, bias=False),
                nn.BatchNorm2d(o),
                nn.ReLU(inplace=True),
            )

        def separable(i, o, s):
            return nn.Sequential(
                # depthwise
                nn.Conv2d(i, i, 3, s, 1, groups=i, bias=False),
                nn.BatchNorm2d(i),
                nn.ReLU6(inplace=True),
                # pointwise
                nn.Conv2d(i, o, 1, 1, 0, bias=False),
                nn.BatchNorm2d(o),
                nn.ReLU6(inplace=True),
            )

        self.model = nn.Sequential(
            stem(ch_in, 16, 2),
            separable(16, 32, 1),
            separable(32, 64, 2),
            separable(64, 64, 1),
            nn.AdaptiveAvgPool2d(1)
        )
        self.fc = nn.Linear(64, n_classes)

    def forward(self, x):
        return self.fc(self.model(x).view(-1, 64))

if __name__ == '__main__':
    model = MobileNet(ch_in=1, n_classes=10)
    summary(model, input_size=(1, 28, 28), device='cpu')
