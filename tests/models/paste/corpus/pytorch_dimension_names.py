import argparse
from torch import nn

parser = argparse.ArgumentParser(description="a plain perceptron")
parser.add_argument("--hidden", type=int, default=96)
parser.add_argument("--output-dim", type=int, required=True)
args = parser.parse_args()


class Perceptron(nn.Module):
    def __init__(self, dim_in, dim_hidden, dim_out):
        super().__init__()
        self.enter = nn.Linear(dim_in, dim_hidden)
        self.act = nn.ReLU()
        self.leave = nn.Linear(dim_hidden, dim_out)

    def forward(self, x):
        x = x.view(-1, x.shape[1] * x.shape[-2] * x.shape[-1])
        return self.leave(self.act(self.enter(x)))


global_model = Perceptron(dim_in=784, dim_hidden=args.hidden, dim_out=args.output_dim)
