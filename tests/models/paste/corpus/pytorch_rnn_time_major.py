import torch
import torch.nn as nn


class ImageRNN(nn.Module):
    def __init__(self, batch_size, n_steps, n_inputs, n_neurons, n_outputs):
        super(ImageRNN, self).__init__()
        self.n_neurons = n_neurons
        self.batch_size = batch_size
        self.n_steps = n_steps
        self.n_inputs = n_inputs
        self.n_outputs = n_outputs
        self.basic_rnn = nn.RNN(self.n_inputs, self.n_neurons)
        self.FC = nn.Linear(self.n_neurons, self.n_outputs)

    def init_hidden(self, batch_size):
        # (num_layers, batch_size, n_neurons)
        return torch.zeros(1, batch_size, self.n_neurons)

    def forward(self, X):
        X = X.permute(1, 0, 2)  # n_steps X batch_size X n_inputs
        self.batch_size = X.size(1)
        self.hidden = self.init_hidden(self.batch_size)
        lstm_out, self.hidden = self.basic_rnn(X, self.hidden)
        out = self.FC(self.hidden)
        return out.view(-1, self.n_outputs)  # batch_size X n_output


device = torch.device("cpu")
model = ImageRNN(64, 28, 28, 50, 10).to(device)
for i, data in enumerate(trainloader):
    model.hidden = model.init_hidden(64)
    inputs, labels = data
    inputs = inputs.view(-1, 28, 28)
    outputs = model(inputs)
