"""Log the same points in one of many ways: `everywhere.py WAY`. The points of 4 writers with 25 calls each."""

import os
import subprocess
import sys

import swanlab

WRITERS, CALLS = 4, 25


def write(writer):
    for call in range(CALLS):
        swanlab.log({"writer/%d" % writer: float(call)}, step=call)


def write_all():
    for writer in range(WRITERS):
        write(writer)


def in_threads():
    import threading

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_forks():
    pids = []
    for writer in range(WRITERS):
        pid = os.fork()
        if pid == 0:
            write(writer)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0


def in_forks_that_exec():
    swanlab.log({"writer/0": 0.0}, step=0)  # so that there is an open file, which must not reach the new program
    pids = []
    for writer in range(1, WRITERS):
        pid = os.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, os.path.abspath(__file__), "one", str(writer)])
        pids.append(pid)
    for call in range(1, CALLS):
        swanlab.log({"writer/0": float(call)}, step=call)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0


def in_subprocesses():
    for close in (True, False):
        some = range(WRITERS)[close::2]
        commands = [[sys.executable, os.path.abspath(__file__), "one", str(writer)] for writer in some]
        assert all(child.wait() == 0 for child in [subprocess.Popen(command, close_fds=close) for command in commands])


def in_processes(method):
    import multiprocessing

    write(0)  # in the parent first, so that a fork inherits an open file
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=write, args=(writer,)) for writer in range(1, WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert all(process.exitcode == 0 for process in processes)


def in_pool(method):
    import multiprocessing

    with multiprocessing.get_context(method).Pool(2) as pool:
        pool.map(write, range(1, WRITERS), chunksize=1)
    write(0)


def in_executor(kind):
    import concurrent.futures

    with getattr(concurrent.futures, kind)(2) as executor:
        list(executor.map(write, range(WRITERS)))


def in_tasks():
    import asyncio

    async def task(writer):
        for call in range(CALLS):
            swanlab.log({"writer/%d" % writer: float(call)}, step=call)
            await asyncio.sleep(0)

    async def everything():
        await asyncio.gather(*map(task, range(WRITERS)))

    asyncio.run(everything())


def in_to_thread():
    import asyncio

    async def everything():
        await asyncio.gather(*(asyncio.to_thread(write, writer) for writer in range(WRITERS)))

    asyncio.run(everything())


def in_signal_handler():
    """Every call of the handler may come in the middle of a call of the main program."""
    import signal

    calls = list(range(CALLS - 1, -1, -1))

    def handle(number, frame):
        if calls:
            call = calls.pop()
            for writer in range(1, WRITERS):
                swanlab.log({"writer/%d" % writer: float(call)}, step=call)

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    step = 0
    while calls:
        swanlab.log({"busy": float(step)}, step=step)
        step += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    write(0)
    print(step)


def at_exit():
    import atexit

    atexit.register(write_all)


def after_chdir():
    os.chdir("/")
    write_all()


def after_close_fds():
    write(0)
    write(1)
    os.closerange(3, 65536)
    write(2)
    write(3)


def in_daemon():
    """Double fork, a session of its own, every descriptor closed, no streams: what python-daemon and its kind do."""
    write(0)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        os.umask(0o77)
        os.closerange(0, writer)
        os.closerange(writer + 1, 65536)
        write(1)
        write(2)
        os._exit(0)  # closes the pipe
    os.close(writer)
    write(3)
    assert os.read(reader, 1) == b""


def with_few_files():
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    write(0)
    os.closerange(3, 65536)
    write(1)
    in_threads_of = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
    write(2)
    write(3)
    assert all(os.fstat(descriptor) for descriptor in in_threads_of)


def without_stderr():
    os.close(2)
    sys.stderr = None
    swanlab.log({"bad": None})
    write_all()


WAYS = {
    "plain": write_all,
    "one": lambda: write(int(sys.argv[2])),
    "threads": in_threads,
    "fork": in_forks,
    "fork, exec": in_forks_that_exec,
    "subprocess": in_subprocesses,
    "process by fork": lambda: in_processes("fork"),
    "process by spawn": lambda: in_processes("spawn"),
    "process by forkserver": lambda: in_processes("forkserver"),
    "pool by fork": lambda: in_pool("fork"),
    "pool by spawn": lambda: in_pool("spawn"),
    "pool by forkserver": lambda: in_pool("forkserver"),
    "thread pool": lambda: in_executor("ThreadPoolExecutor"),
    "process pool": lambda: in_executor("ProcessPoolExecutor"),
    "asyncio tasks": in_tasks,
    "asyncio to_thread": in_to_thread,
    "signal handler": in_signal_handler,
    "atexit": at_exit,
    "chdir": after_chdir,
    "close_fds": after_close_fds,
    "daemon": in_daemon,
    "few files": with_few_files,
    "no stderr": without_stderr,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
