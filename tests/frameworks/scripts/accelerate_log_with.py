"""A loop with Accelerate's own SwanLabTracker."""

from accelerate import Accelerator

accelerator = Accelerator(log_with="swanlab", cpu=True)
accelerator.init_trackers("loops", config={"rate": 0.1}, init_kwargs={"swanlab": {"experiment_name": "own"}})
for step in range(3):
    accelerator.log({"loss": 1.0 / (step + 1)}, step=step)
accelerator.end_training()
