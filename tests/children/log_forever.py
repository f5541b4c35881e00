"""Log to swanlab without end, telling on descriptor 3 how many calls have returned."""

import os

import swanlab

calls = 0
while True:
    swanlab.log({"value": float(calls)})
    calls += 1
    os.write(3, b"%d\n" % calls)
