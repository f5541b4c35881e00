"""A dense layer fitted by Keras on its torch backend, logged after each epoch and after each second batch."""

import keras
import numpy as np

import swanlab
from swanlab.integration.keras import SwanLabLogger

keras.utils.set_random_seed(0)
swanlab.init(project="dense", experiment_name="one layer", config={"units": 1})
x = np.random.default_rng(0).random((32, 4))
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.5), loss="mse", metrics=["mae"])
model.fit(x, x.sum(1), batch_size=8, epochs=2, validation_split=0.5, verbose=0, callbacks=[SwanLabLogger()])
model.fit(x, x.sum(1), batch_size=8, epochs=1, verbose=0, callbacks=[SwanLabLogger(log_freq=2)])
