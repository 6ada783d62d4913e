import torch
import torch.nn as nn


class LSTM(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim=10, num_layers=1):
        super().__init__()
        self.num_layers = num_layers
        self.hidden_dim = hidden_dim
        self.lstm_layer = nn.LSTM(input_dim, self.hidden_dim, num_layers, batch_first=True)
        self.classifier = nn.Linear(self.hidden_dim, output_dim)

    def init_states(self, batch_size):
        hidden_state = torch.randn(self.num_layers, batch_size, self.hidden_dim)
        cell_state = torch.randn(self.num_layers, batch_size, self.hidden_dim)
        return hidden_state, cell_state

    def forward(self, images):
        x = images.view(images.size(0), 28, -1)
        states = self.init_states(x.size(0))
        out, _ = self.lstm_layer(x, states)
        return self.classifier(out[:, -1])


model = LSTM(input_dim=28, hidden_dim=20)
