from typing import Optional, Tuple, Union

import torch
from torch import nn, Tensor


class FeatureNet(nn.Module):
    def __init__(self, feat_dim: int = 16, num_classes: int = 10, l2norm: bool = False):
        super().__init__()
        self.l2norm = l2norm
        self.backbone = nn.ModuleDict(dict(
            stem=nn.Conv2d(1, 8, 3, stride=2),
            body=nn.Sequential(nn.ReLU(), nn.Conv2d(8, feat_dim, 3, stride=2), nn.ReLU()),
        ))
        self.fc = nn.Linear(feat_dim, num_classes)

    def extract(self, x: Tensor) -> Tensor:
        for part in self.backbone.values():
            x = part(x)
        return x.flatten(2).mean(dim=2)

    def forward(self, x: Tensor, target: Optional[Tensor] = None,
                return_features: bool = False) -> Union[Tensor, Tuple[Tensor, ...]]:
        """
        x: (N, 1, 28, 28)
        """
        features = self.extract(x)
        if self.l2norm:
            features = nn.functional.normalize(features, dim=1)
        logits = self.fc(features)
        if target is not None:
            return nn.functional.cross_entropy(logits, target)
        return (logits, features) if return_features else logits


if __name__ == "__main__":
    net = FeatureNet(l2norm=True)
    out = net(torch.zeros(2, 1, 28, 28), return_features=True)
