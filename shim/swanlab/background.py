"""`async_log`: what a function gives back is logged when it is there, and the program goes on meanwhile."""

from .messages import cause

MODES = ("threading", "asyncio", "spawn")


def submitted(run, func, args, kwargs):
    """Start `func` as `Run.async_log` describes; give back a `concurrent.futures.Future` of what it gave back."""
    from concurrent.futures import Future

    step, mode = kwargs.pop("step", None), kwargs.pop("mode", "threading")
    future = Future()
    starters = {"threading": _in_thread, "asyncio": _in_loop, "spawn": _in_process}
    if mode not in starters:
        text = "async_log() knows the modes %s, not %.80r; a thread is taken"
        run.report(("async_log", mode), text % (", ".join(MODES), mode))

    def done(found, error=None):
        if error is not None:
            run.report(("async_log", type(error)), "async_log() failed: %s" % cause(error))
            future.set_exception(error)
            return
        try:
            if run.alive and found is not None:
                run.log(found, step)
        finally:
            future.set_result(found)

    starters.get(mode, _in_thread)(func, args, kwargs, done)
    return future


def wait_for(tasks, timeout_s):
    """Wait until these futures are done, `timeout_s` seconds at most if that is not None."""
    from concurrent.futures import wait

    wait(tasks, timeout_s)


def _attempt(done, function, *args, **kwargs):
    try:
        found = function(*args, **kwargs)
    except BaseException as error:  # the program's own code, which fails in a thread of ours
        done(None, error)
    else:
        done(found)


def _in_thread(func, args, kwargs, done):
    import threading

    def work():
        _attempt(done, func, *args, **kwargs)

    threading.Thread(target=work, name="swanlab-async-log").start()


def _in_loop(func, args, kwargs, done):
    """Run a coroutine function in the loop that is running, or in one of a thread's own where there is none."""
    import asyncio

    async def work():
        found = func(*args, **kwargs)
        return await found if hasattr(found, "__await__") else found

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _in_thread(lambda: asyncio.run(work()), (), {}, done)
    else:
        task = loop.create_task(work())
        task.add_done_callback(lambda ended: _attempt(done, ended.result))


def _in_process(func, args, kwargs, done):
    """Call in a fresh interpreter; a thread waits for its end."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    def work():
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(func, *args, **kwargs).result()

    _in_thread(work, (), {}, done)
