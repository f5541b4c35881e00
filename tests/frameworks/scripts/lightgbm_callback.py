"""Boosted trees by LightGBM, once trained and once cross-validated."""

import lightgbm
import numpy as np

from swanlab.integration.lightgbm import SwanLabCallback

random = np.random.default_rng(0)
x = random.random((200, 3))
data = lightgbm.Dataset(x, label=x.sum(1))
parameters = {"objective": "regression", "metric": "l2", "num_leaves": 4, "verbose": -1, "num_threads": 1}
lightgbm.train(parameters, data, num_boost_round=5, valid_sets=[data], valid_names=["train"], callbacks=[SwanLabCallback()])
lightgbm.cv(parameters, data, num_boost_round=3, nfold=2, stratified=False, callbacks=[SwanLabCallback()])
