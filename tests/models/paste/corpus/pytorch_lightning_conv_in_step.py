import lightning as L
import torch
from torch import nn, optim
import torch.nn.functional as F


class ConvClassifier(L.LightningModule):
    def __init__(self, lr: float = 1e-3, width: int = 12):
        super().__init__()
        self.save_hyperparameters()
        self.conv1 = nn.Conv2d(1, self.hparams.width, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(self.hparams.width, 2 * width, 3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(2 * width)
        self.fc = nn.LazyLinear(10)

    def forward(self, x):
        x = F.silu(self.conv1(x))
        x = F.silu(self.bn(self.conv2(x)))
        return self.fc(torch.flatten(x, 1))

    def _shared_step(self, batch, stage):
        x, y = batch
        logits = self(x)
        loss = F.cross_entropy(logits, y)
        self.log(f"{stage}_loss", loss)
        return loss

    def training_step(self, batch, batch_idx):
        return self._shared_step(batch, "train")

    def validation_step(self, batch, batch_idx):
        self._shared_step(batch, "val")

    def configure_optimizers(self):
        opt = optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=1e-2)
        sched = optim.lr_scheduler.OneCycleLR(opt, max_lr=self.hparams.lr, total_steps=1000)
        return [opt], [{"scheduler": sched, "interval": "step"}]


if __name__ == "__main__":
    L.seed_everything(0)
    trainer = L.Trainer(max_epochs=5)
    trainer.fit(ConvClassifier(lr=2e-3), datamodule=dm)
