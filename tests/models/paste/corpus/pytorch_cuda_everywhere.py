import torch
import torch.nn as nn
from torch.autograd import Variable

device = torch.device("cuda:0")
dtype = torch.cuda.FloatTensor


class LSTMClassifier(nn.Module):
    """Layer dim: how many LSTMs lie on top of each other."""

    def __init__(self, in_dim, hidden_dim, n_layer, n_class):
        super(LSTMClassifier, self).__init__()
        self.n_layer = n_layer
        self.hidden_dim = hidden_dim
        self.device = device
        self.lstm = nn.LSTM(in_dim, hidden_dim, n_layer, batch_first=True)
        self.classifier = nn.Linear(hidden_dim, n_class)
        self.to(self.device)

    def init_hidden(self, x):
        if torch.cuda.is_available():
            h0 = Variable(torch.zeros(self.n_layer, x.size(0), self.hidden_dim).cuda())
            c0 = Variable(torch.zeros(self.n_layer, x.size(0), self.hidden_dim).cuda())
        else:
            h0 = Variable(torch.zeros(self.n_layer, x.size(0), self.hidden_dim))
            c0 = Variable(torch.zeros(self.n_layer, x.size(0), self.hidden_dim))
        return h0.requires_grad_(), c0.requires_grad_()

    def forward(self, x):
        h0, c0 = self.init_hidden(x)
        # 28 time steps; detach, else backpropagation goes on to the start of the data
        out, (hn, cn) = self.lstm(x.to(self.device), (h0.detach(), c0.detach()))
        out = out[:, -1, :]
        out = self.classifier(out)
        return out


model = LSTMClassifier(28, 40, 1, 10)
model.cuda()
criterion = nn.CrossEntropyLoss().cuda()

seq_dim, input_dim = 28, 28
for epoch in range(3):
    for i, (images, labels) in enumerate(train_loader):
        images = images.view(-1, seq_dim, input_dim).requires_grad_().cuda()
        outputs = model(images)
