import torch
import torch.nn as nn
import torch.nn.init as init


class Fire(nn.Module):
    def __init__(self, cin: int, squeezed: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(cin, squeezed, kernel_size=1)
        self.act = nn.ReLU(inplace=True)
        self.expand1 = nn.Conv2d(squeezed, narrow, kernel_size=1)
        self.expand3 = nn.Conv2d(squeezed, wide, kernel_size=3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        s = self.act(self.squeeze(x))
        return torch.cat([self.act(self.expand1(s)), self.act(self.expand3(s))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, version: str = "small", num_classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        if version == "large":
            self.features = nn.Sequential(nn.Conv2d(1, 96, kernel_size=7, stride=2), nn.ReLU(inplace=True))
        elif version == "small":
            self.features = nn.Sequential(
                nn.Conv2d(1, 32, kernel_size=3, stride=1, padding=1),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
                Fire(32, 8, 32, 32),
                Fire(64, 8, 32, 32),
                nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
                Fire(64, 16, 48, 48),
            )
        else:
            raise ValueError(f"version {version} is neither large nor small")

        last = nn.Conv2d(96, self.num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                # the last one starts small
                if m is last:
                    init.normal_(m.weight, mean=0.0, std=0.01)
                else:
                    init.kaiming_uniform_(m.weight)
                if m.bias is not None:
                    init.constant_(m.bias, 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)


def squeezenet(**kwargs) -> SqueezeNet:
    return SqueezeNet("small", **kwargs)
