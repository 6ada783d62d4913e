import torch
import torch.nn as nn
import torch.nn.functional as F


class AttnLSTM(nn.Module):
    def __init__(self, n_hidden=24, n_class=10):
        super().__init__()
        self.lstm = nn.LSTM(input_size=28, hidden_size=n_hidden, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * n_hidden, 1, bias=False)
        self.out = nn.Linear(4 * n_hidden, n_class)

    def attention(self, outputs):
        weights = F.softmax(self.score(torch.tanh(outputs)).squeeze(-1), dim=-1)     # B, T
        return torch.bmm(weights.unsqueeze(1), outputs).squeeze(1)                   # B, 2H

    def forward(self, X):
        X = X.view(-1, 28, 28)
        outputs, (h, c) = self.lstm(X)
        last = torch.cat((h[-2, :, :], h[-1, :, :]), dim=1)
        context = self.attention(outputs)
        return self.out(torch.cat([context, last], dim=1))


net = AttnLSTM()
