"""WRITERS processes log without end; each tells on the descriptor TELL when its CALLS-th call has returned, PAUSE_S apart."""

import os
import sys
import time

import swanlab

writers, calls, pause_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
tell = int(os.environ["TELL"])
writer = 0
while writer < writers - 1 and os.fork():
    writer += 1
key = "writer/%d" % writer
call = 0
while True:
    swanlab.log({key: float(call)})
    call += 1
    if call == calls:
        os.write(tell, b"%d\n" % writer)
    if pause_s:
        time.sleep(pause_s)
