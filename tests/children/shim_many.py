"""Logs from threads, forks, spawned workers or subprocesses at once: `shim_many.py KIND WORKERS CALLS`."""

import multiprocessing
import os
import subprocess
import sys
import threading

import swanlab

KEY = "a_long_name_so_that_records_that_interleave_would_show/" * 5


def work(worker, calls):
    for call in range(calls):
        swanlab.log({KEY + "worker": float(worker), KEY + "call": float(call)}, step=call)


def with_threads(workers, calls):
    threads = [threading.Thread(target=work, args=(worker, calls)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def with_forks(workers, calls):
    swanlab.log({KEY + "worker": -1.0, KEY + "call": 0.0}, step=0)  # so that the children inherit an open file
    children = []
    for worker in range(workers):
        pid = os.fork()
        if pid == 0:
            work(worker, calls)
            os._exit(0)
        children.append(pid)
    assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)


def with_spawn(workers, calls):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(worker, calls)) for worker in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert all(process.exitcode == 0 for process in processes)


def with_subprocesses(workers, calls):
    commands = [[sys.executable, __file__, "work", str(worker), str(calls)] for worker in range(workers)]
    children = [subprocess.Popen(command) for command in commands]
    assert all(child.wait() == 0 for child in children)


if __name__ == "__main__":
    kinds = {"threads": with_threads, "forks": with_forks, "spawn": with_spawn, "subprocesses": with_subprocesses, "work": work}
    kinds[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
