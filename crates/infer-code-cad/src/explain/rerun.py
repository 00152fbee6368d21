# Runs a program and its tests as one module would, and keeps what they print and how they end.
import contextlib
import io
import linecache
import signal
import traceback


def out_of_time(*_):
    raise TimeoutError("processor time")


def run(program, setup, helpers, tests, seconds):
    printed, module = io.StringIO(), {"__name__": "candidate"}
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            signal.signal(signal.SIGPROF, out_of_time)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            execute("program", program, module)
            execute("setup", setup, module)
            # What the tests define is out of the program's reach.
            module = dict(module)
            execute("helpers", helpers, module)
            execute("tests", tests, module)
        except BaseException as error:
            signal.setitimer(signal.ITIMER_PROF, 0)
            frames = error.__traceback__.tb_next
            frames = frames and frames.tb_next
            traceback.print_exception(type(error), error, frames, limit=-20)
        signal.setitimer(signal.ITIMER_PROF, 0)
    # The end has the traceback.
    return list(printed.getvalue().encode("utf-8", "replace")[-8000:])


def execute(name, text, module):
    linecache.cache[name] = len(text), None, text.splitlines(True), name
    exec(compile(text, name, "exec"), module)
