"""Sequence classifiers, one class for three kinds of cells."""
import torch
import torch.nn as nn


class RNNClassifier(nn.Module):
    def __init__(self, input_size=28, hidden_size=24, num_layers=1, num_classes=10,
                 rnn_type="lstm", bidirectional=True, dropout=0.2):
        super().__init__()
        rnn_cls = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[rnn_type]
        self.rnn_type = rnn_type
        self.num_directions = 2 if bidirectional else 1
        self.rnn = rnn_cls(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if num_layers > 1 else 0.0,
        )
        self.head = nn.Sequential(nn.LayerNorm(hidden_size * self.num_directions),
                                  nn.Linear(hidden_size * self.num_directions, num_classes))

    def forward(self, x):
        if x.dim() == 4:
            x = x.squeeze(1)
        if self.rnn_type == "lstm":
            out, (h, _) = self.rnn(x, None)
        else:
            out, h = self.rnn(x)
        if self.num_directions == 2:
            h = torch.cat([h[-2], h[-1]], dim=-1)
        else:
            h = h[-1]
        return self.head(h)


model = RNNClassifier(rnn_type="gru")
