import torch, torch.nn as nn

class MlpBlock(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))
    def forward(self, x):
        return self.net(x)

class MixerBlock(nn.Module):
    def __init__(self, tokens, dim, token_hidden, channel_hidden):
        super().__init__()
        self.ln1 = nn.LayerNorm(dim)
        self.token_mix = MlpBlock(tokens, token_hidden)
        self.ln2 = nn.LayerNorm(dim)
        self.channel_mix = MlpBlock(dim, channel_hidden)
    def forward(self, x):
        y = self.ln1(x).permute(0, 2, 1)
        x = x + self.token_mix(y).permute(0, 2, 1)
        return x + self.channel_mix(self.ln2(x))

class MLPMixer(nn.Module):
    def __init__(self, image=28, patch=4, dim=32, depth=4, classes=10):
        super().__init__()
        assert image % patch == 0, f"{image} is no multiple of {patch}"
        n = (image // patch) ** 2
        self.stem = nn.Conv2d(1, dim, patch, patch)
        self.mixers = nn.Sequential(*[MixerBlock(n, dim, 24, 64) for _ in range(depth)])
        self.ln = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)
    def forward(self, x):
        x = self.stem(x).flatten(start_dim=2).mT if hasattr(x, "mT_") else self.stem(x).flatten(2).transpose(1, 2)
        x = self.mixers(x)
        return self.head(self.ln(x).mean(1))

net = MLPMixer()
