"""A script for wandb, offline, mirrored."""

import numpy as np
import wandb

from swanlab.mirror import sync_wandb

sync_wandb(wandb_run=False)
run = wandb.init(project="bees", name="honey", notes="sweet", tags=["yellow"], config={"rate": 0.1}, settings={"silent": True})
assert run.settings.mode == "offline"
wandb.config.update({"batch": 8})
wandb.config["seed"] = 0
wandb.config.depth = 2
for step in range(3):
    wandb.log({"loss": 1 / (step + 1), "acc": np.float32(step), "inner": {"a": step}})
run.log({"late": 1}, step=10)
run.log({"weights": wandb.Histogram([1, 2, 3])})
wandb.finish()
