"""Logs on while no file may grow beyond 4 KiB, then when it may again; as on a disk that is full for a while."""

import resource

import swanlab

CALLS = 500

hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
for number in range(CALLS):
    swanlab.log({"number": float(number)}, step=number)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
swanlab.log({"number": float(CALLS)}, step=CALLS)
print("trained to the end")
