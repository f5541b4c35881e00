"""Two runs of mlflow, one after the other, mirrored."""

import os

import mlflow

from swanlab.mirror import sync_mlflow

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
sync_mlflow()
mlflow.set_tracking_uri("file:mlruns")
mlflow.set_experiment("flows")
for name in ("first", "second"):
    with mlflow.start_run(run_name=name):
        mlflow.log_param("rate", 0.1)
        mlflow.log_params({"batch": 8})
        for step in range(2):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
            mlflow.log_metrics({"acc": step}, step=step)
