"""A policy learned by Stable-Baselines3 in an environment made on the spot."""

import gymnasium
import numpy as np
from stable_baselines3 import A2C

from swanlab.integration.sb3 import SwanLabCallback


class Guess(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(0, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(1, np.float32), float(action), self.steps == 5, False, {}


model = A2C("MlpPolicy", Guess(), n_steps=5, verbose=1, seed=0, device="cpu")
model.learn(100, callback=SwanLabCallback(project="guesses", experiment_name="a2c"), log_interval=10)
