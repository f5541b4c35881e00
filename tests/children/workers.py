"""Fork workers that all log, as a data-parallel program does."""

import os
import sys

import swanlab

workers, calls = int(sys.argv[1]), int(sys.argv[2])
swanlab.init(config={"workers": workers})
for worker in range(workers):
    if os.fork() == 0:
        for call in range(calls):
            swanlab.log({"worker/%d" % worker: float(call), "shared": 1.0}, step=worker * calls + call)
        os._exit(0)
for _ in range(workers):
    os.wait()
