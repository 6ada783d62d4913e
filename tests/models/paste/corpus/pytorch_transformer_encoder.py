import torch
import torch.nn as nn


class RowTransformer(nn.Module):
    """Each row of the digit is a token."""

    def __init__(self, d_model=32, nhead=4, num_layers=2, num_classes=10):
        super().__init__()
        self.embed = nn.Linear(28, d_model)
        self.pos = nn.Parameter(torch.randn(1, 28, d_model) * 0.02)
        encoder_layer = nn.TransformerEncoderLayer(d_model=d_model, nhead=nhead, dim_feedforward=64,
                                                   dropout=0.1, activation='gelu', batch_first=True)
        self.encoder = nn.TransformerEncoder(encoder_layer, num_layers=num_layers)
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, num_classes)

    def forward(self, x):
        x = x.squeeze(1)
        x = self.embed(x) + self.pos
        x = self.encoder(x)
        x = self.norm(x.mean(dim=1))
        return self.head(x)


model = RowTransformer()
