"""Boosted trees by CatBoost."""

import numpy as np
from catboost import CatBoostRegressor

from swanlab.integration.catboost import SwanLabCallback

x = np.random.default_rng(0).random((64, 3))
parameters = {"iterations": 5, "depth": 2, "thread_count": 1}
model = CatBoostRegressor(verbose=False, allow_writing_files=False, **parameters)
model.fit(x, x.sum(1), eval_set=(x, x.sum(1)), callbacks=[SwanLabCallback(parameters)])
