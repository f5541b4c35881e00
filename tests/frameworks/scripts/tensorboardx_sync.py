"""Two writers of tensorboardX, mirrored."""

import numpy as np
import tensorboardX

from swanlab.mirror import sync_tensorboardX

sync_tensorboardX()
sync_tensorboardX()
with tensorboardX.SummaryWriter("boards/train") as train, tensorboardX.SummaryWriter("boards/val") as val:
    for step in range(3):
        assert train.add_scalar("loss", 1 / (step + 1), step) is None
        val.add_scalar(tag="loss", scalar_value=np.float32(2), global_step=step)
        train.add_scalars("rates", {"a": 1, "b": 2}, step)
    train.add_histogram("weights", np.zeros(3), 0)
