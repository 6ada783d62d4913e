import torch.nn as nn

WIDTH = 16


def start(module):
    kind = type(module).__name__
    if kind.startswith("Conv"):
        module.weight.data.normal_(0.0, 0.02)
    elif "Norm" in kind:
        module.weight.data.normal_(1.0, 0.02)
        module.bias.data.fill_(0)


def halve(before, after, kernel=4, norm=True):
    """Half the height and width."""
    conv = nn.Conv2d(before, after, kernel, stride=2, padding=1, bias=False)
    rest = (nn.BatchNorm2d(after),) if norm else ()
    return (conv, *rest, nn.LeakyReLU(0.2, True))


class RealOrDrawn(nn.Module):
    """[N, 1, 28, 28] -> the probability that it is real, [N]"""

    def __init__(self, width):
        super(RealOrDrawn, self).__init__()
        self.features = nn.Sequential(
            *halve(1, width, norm=False),  # 14 x 14
            *halve(width, 2 * width),  # 7 x 7
            *halve(2 * width, 4 * width, kernel=3),  # 4 x 4
        )
        self.score = nn.Conv2d(4 * width, 1, 4, bias=False)

    def forward(self, images):
        return self.score(self.features(images)).sigmoid().flatten(1).squeeze(1)


judge = RealOrDrawn(WIDTH).to('cpu')
judge.apply(start)
