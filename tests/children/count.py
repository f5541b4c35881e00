"""Print numbered lines as fast as possible, after telling on the descriptor TELL how many have been written."""

import os

tell = int(os.environ["TELL"])
number = 0
while True:
    lines = b"".join(b"line %012d\n" % i for i in range(number, number + 40))
    os.write(1, lines)
    number += 40
    os.write(tell, b"%d\n" % number)
