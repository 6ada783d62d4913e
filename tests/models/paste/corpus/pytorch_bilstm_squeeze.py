import torch
from torch import nn
from torch.autograd import Variable


class BiRNN(nn.Module):
    """Reads a digit row by row, in both directions."""

    def __init__(self, input_size=28, hidden_size=32, num_layers=1, num_classes=10):
        super().__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers,
                            batch_first=True, bidirectional=True, dropout=0.0)
        self.fc = nn.Linear(hidden_size * 2, num_classes)  # 2 for bidirection

    def forward(self, x):
        x = x.squeeze(1)
        h0 = Variable(torch.zeros(self.num_layers * 2, x.size(0), self.hidden_size))
        c0 = Variable(torch.zeros(self.num_layers * 2, x.size(0), self.hidden_size))
        out, (h_n, c_n) = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


rnn = BiRNN(num_classes=10)
if torch.cuda.is_available():
    rnn.cuda()
print(rnn)
