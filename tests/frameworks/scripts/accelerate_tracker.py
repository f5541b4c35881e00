"""A loop with Accelerate and the tracker of swanlab.integration."""

import torch
from accelerate import Accelerator

from swanlab.integration.accelerate import SwanLabTracker

accelerator = Accelerator(log_with=SwanLabTracker("loops", experiment_name="tracked"), cpu=True)
accelerator.init_trackers("loops", config={"rate": 0.1})
for step in range(3):
    accelerator.log({"loss": torch.tensor(1.0 / (step + 1))}, step=step)
accelerator.end_training()
