"""torch's own TensorBoard writer, mirrored for scalars alone."""

from torch.utils.tensorboard import SummaryWriter

from swanlab.mirror import sync_tensorboard_torch

sync_tensorboard_torch(types=["scalar"])
writer = SummaryWriter("boards/a")
for step in range(3):
    writer.add_scalar("loss", 1 / (step + 1), step * 10)
writer.add_scalars("rates", {"a": 1}, 0)
writer.add_text("note", "hello", 0)
writer.close()
