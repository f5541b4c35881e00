"""Print the environment's LINE over and over in random pieces, after telling on the descriptor TELL how many bytes it wrote."""

import os
import random

tell, line = int(os.environ["TELL"]), os.environ["LINE"].encode()
chance = random.Random(os.environ["SEED"])
written = 0
while True:
    length = chance.choice((1, 2, 5, 17, 60, 700))
    start = written % len(line)
    written += os.write(1, (line * (length // len(line) + 2))[start : start + length])
    os.write(tell, b"%d\n" % written)
