"""Boosted trees by XGBoost, once trained and once cross-validated."""

import numpy as np
import xgboost

import swanlab
from swanlab.integration.xgboost import SwanLabCallback

swanlab.init(project="trees", config={"seed": 0})
random = np.random.default_rng(0)
x = random.random((64, 3))
data = xgboost.DMatrix(x, label=(x.sum(1) > 1.5).astype(float))
parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
xgboost.train(
    parameters, data, num_boost_round=5, evals=[(data, "train")], verbose_eval=False,
    early_stopping_rounds=3, callbacks=[SwanLabCallback()],
)
xgboost.cv(parameters, data, num_boost_round=3, nfold=3, callbacks=[SwanLabCallback()])
