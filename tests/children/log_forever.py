"""Log to swanlab without end, telling on the descriptor TELL how many calls have returned."""

import os

import swanlab

tell = int(os.environ["TELL"])
calls = 0
while True:
    swanlab.log({"value": float(calls)})
    calls += 1
    os.write(tell, b"%d\n" % calls)
