# Drawing digits from noise: one network draws, the other one tells drawings from real ones
import numpy as np
import torch
from torch import nn, optim

NOISE = 64
DIGIT = (1, 28, 28)
PIXELS = int(np.prod(DIGIT))


class Painter(nn.Module):
    def __init__(self, widths=(64, 128)):
        super().__init__()

        def stage(before, after, norm):
            parts = [nn.Linear(before, after)]
            if norm:
                parts += [nn.BatchNorm1d(after)]
            return parts + [nn.LeakyReLU(0.2)]

        stages = stage(NOISE, widths[0], norm=False) + stage(*widths, norm=True)
        self.paint = nn.Sequential(*stages, nn.Linear(widths[-1], PIXELS), nn.Tanh())

    def forward(self, noise):
        return self.paint(noise).reshape(noise.size(0), *DIGIT)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.judge = nn.Sequential(nn.Flatten())
        sizes = [PIXELS, 128, 64]
        for number, (before, after) in enumerate(zip(sizes, sizes[1:])):
            self.judge.add_module(f"dense{number}", nn.Linear(before, after))
            self.judge.add_module(f"act{number}", nn.LeakyReLU(0.2, inplace=True))
        self.judge.add_module("score", nn.Linear(sizes[-1], 1))
        self.judge.add_module("probability", nn.Sigmoid())

    def forward(self, digits):
        return self.judge(digits)


painter, critic = Painter(), Critic()
loss = nn.BCELoss()
painter_steps = optim.Adam(painter.parameters(), lr=2e-4, betas=(0.5, 0.999))
critic_steps = optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
