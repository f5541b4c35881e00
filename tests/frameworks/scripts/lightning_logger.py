"""A linear model fitted by Lightning."""

import lightning
import torch

from swanlab.integration.pytorch_lightning import SwanLabLogger


class Linear(lightning.LightningModule):
    def __init__(self, rate=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, index):
        (x,) = batch
        loss = (self.layer(x) - x.sum(1, keepdim=True)).square().mean()
        self.log("train/loss", loss, on_step=True)
        return loss

    def validation_step(self, batch, index):
        (x,) = batch
        self.log("val/loss", (self.layer(x) - x.sum(1, keepdim=True)).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)


lightning.seed_everything(0)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(32, 4)), batch_size=8)
logger = SwanLabLogger(project="lines", experiment_name="linear")
trainer = lightning.Trainer(
    max_epochs=2, logger=logger, accelerator="cpu", log_every_n_steps=1, enable_progress_bar=False, enable_model_summary=False
)
trainer.fit(Linear(), data, data)
print("checkpoint", trainer.checkpoint_callback.best_model_path)
