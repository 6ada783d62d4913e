import numpy as np
import torch
import torch.nn as nn

try:
    from tqdm import tqdm, trange
except ImportError:
    tqdm = lambda x, **kwargs: x

np.random.seed(0)
torch.manual_seed(0)


def get_positional_embeddings(sequence_length, d):
    result = torch.ones(sequence_length, d)
    for i in range(sequence_length):
        for j in range(d):
            result[i][j] = (
                np.sin(i / (10000 ** (j / d)))
                if j % 2 == 0
                else np.cos(i / (10000 ** ((j - 1) / d)))
            )
    return result


class Block(nn.Module):
    def __init__(self, hidden_d, n_heads, mlp_ratio=2):
        super(Block, self).__init__()
        self.norm1 = nn.LayerNorm(hidden_d)
        self.mhsa = nn.MultiheadAttention(hidden_d, n_heads, batch_first=True)
        self.norm2 = nn.LayerNorm(hidden_d)
        self.mlp = nn.Sequential(
            nn.Linear(hidden_d, mlp_ratio * hidden_d),
            nn.GELU(),
            nn.Linear(mlp_ratio * hidden_d, hidden_d),
        )

    def forward(self, x):
        n = self.norm1(x)
        out = x + self.mhsa(n, n, n)[0]
        return out + self.mlp(self.norm2(out))


class MyViT(nn.Module):
    def __init__(self, chw, n_patches=7, n_blocks=2, hidden_d=8, n_heads=2, out_d=10):
        super(MyViT, self).__init__()
        self.chw = chw  # ( C , H , W )
        self.n_patches = n_patches
        assert chw[1] % n_patches == 0, "Input shape not entirely divisible by number of patches"
        self.patch_size = (chw[1] / n_patches, chw[2] / n_patches)
        self.input_d = int(chw[0] * self.patch_size[0] * self.patch_size[1])
        self.linear_mapper = nn.Linear(self.input_d, hidden_d)
        self.class_token = nn.Parameter(torch.rand(1, hidden_d))
        self.register_buffer("positional_embeddings", get_positional_embeddings(n_patches**2 + 1, hidden_d),
                             persistent=False)
        self.blocks = nn.ModuleList([Block(hidden_d, n_heads) for _ in range(n_blocks)])
        self.mlp = nn.Sequential(nn.Linear(hidden_d, out_d), nn.Softmax(dim=-1))

    def forward(self, images):
        n, c, h, w = images.shape
        p = h // self.n_patches
        patches = images.unfold(2, p, p).unfold(3, p, p).reshape(n, self.n_patches**2, self.input_d)
        tokens = self.linear_mapper(patches)
        tokens = torch.cat((self.class_token.expand(n, 1, -1), tokens), dim=1)
        out = tokens + self.positional_embeddings.repeat(n, 1, 1)
        for block in self.blocks:
            out = block(out)
        out = out[:, 0]
        return self.mlp(out)


model = MyViT((1, 28, 28), n_patches=7, n_blocks=2, hidden_d=8, n_heads=2, out_d=10)
