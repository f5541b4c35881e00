"""Closes every descriptor between two calls, as daemons do, and opens FILES of its own: `shim_daemon.py LIMIT FILES`."""

import os
import resource
import sys

import swanlab

limit, files = map(int, sys.argv[1:])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, hard), hard))

swanlab.log({"loss": 1.0})
swanlab.log({"loss": 2.0})
os.closerange(3, 5000)
others = [os.open("other%d" % number, os.O_WRONLY | os.O_CREAT) for number in range(files)]
swanlab.log({"loss": 3.0})
swanlab.log({"loss": 4.0})
