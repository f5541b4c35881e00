"""Logs without end and prints the number of each call that has returned."""

import itertools
import os

import swanlab

for number in itertools.count():
    swanlab.log({"number": float(number), "loss": 0.5})
    os.write(1, b"%d\n" % number)
