# The process that forks candidates. It was made before any program or test was read, so that what a
# candidate finds in its memory is this text.
import json
import select
import time

# No descriptor of this process or the supervisor's is above this.
OPEN_AT_MOST = 64
LOOK_EVERY = 0.1
# How long a candidate that hung up has to end by itself, so that how it did is known.
LAST_WORDS = 1.0


def run_zygote(house, control):
    """One candidate after the other, until the judge's side hangs up; never returns."""
    try:
        control.setblocking(True)
        wake = wake_on_child()
        open_streams()
        gc.collect()
        gc.freeze()
        while True:
            order, descriptors = receive_with_descriptors(control)
            follow_candidate(house, control, wake, order, descriptors[0])
    except EOFError:
        pass
    finally:
        os._exit(0)


def open_streams():
    """The standard streams as candidates find them; what is behind them changes in each fork."""
    sys.stdin = open(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def follow_candidate(house, control, wake, order, channel):
    """Forks a candidate, watches it to its end and tells how that was."""
    limits = order["limits"]
    fresh_scratch(house, limits)
    output, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        run_candidate(channel, theirs, house, limits, order["forks"])
    os.close(channel)
    os.close(theirs)
    os.set_blocking(output, False)
    seen = {"cause": None, "output": 0, "stopped": False, "status": None, "usage": None}
    poller = select.poll()
    for descriptor in (output, control.fileno(), wake):
        poller.register(descriptor, select.POLLIN)
    try:
        watch(pid, output, control, wake, poller, house, limits, seen)
    finally:
        stop(pid, seen)
        end_all(house)
        read_output(output, limits, seen)
        seen["cause"] = seen["cause"] or excess(house, limits, seen)
        os.close(output)
        clear_scratch(house)
    send(control, seen)


def watch(pid, output, control, wake, poller, house, limits, seen):
    """Until the judge has its verdict. What ends before that, by itself or at a limit, ends here too."""
    kept = None
    while True:
        for descriptor, _ in poller.poll(None if house["tier"] == "full" else LOOK_EVERY * 1000):
            if descriptor == control.fileno():
                order, _ = receive_with_descriptors(control)
                if "next" not in order:
                    if order["end"] == "gone":
                        await_end(pid, seen)
                    return
                end_copy(house, pid, order["next"])
                read_output(output, limits, seen)
                seen["cause"] = seen["cause"] or excess(house, limits, seen)
                if seen["cause"] is None:
                    kept = tidy_up(house, kept, seen)
                if seen["cause"] is not None:
                    stop(pid, seen)
                    end_all(house)
                send(control, {"next": seen["cause"]})
            elif descriptor == output:
                if not read_output(output, limits, seen):
                    poller.unregister(output)
            else:
                drain(wake)
        if seen["status"] is None and reap(pid, seen):
            end_all(house)  # nothing that it left may hold the judge up
        if seen["cause"] is None:
            seen["cause"] = excess(house, limits, seen)
            if seen["cause"] is not None:
                stop(pid, seen)
                end_all(house)


def await_end(pid, seen):
    deadline = time.monotonic() + LAST_WORDS
    while seen["status"] is None and not reap(pid, seen) and time.monotonic() < deadline:
        time.sleep(0.001)


def tidy_up(house, kept, seen):
    """Removes what the last copy of a loaded program left; `kept` is what the program itself wrote. A
    program whose threads hinder that has the scratch to answer for."""
    seen["output"], there = 0, set()
    try:
        there = set(os.listdir(house["scratch"]))
        for name in there - (there if kept is None else kept):
            path = os.path.join(house["scratch"], name)
            if os.path.isdir(path) and not os.path.islink(path):
                remove_tree(path)
            else:
                os.unlink(path)
    except OSError:
        seen["cause"] = "scratch"
    return there if kept is None else kept


def read_output(output, limits, seen):
    """Whether more can come."""
    while seen["output"] <= limits["output_bytes"]:
        data = drain(output)
        if data is None:
            return True
        if not data:
            return False
        seen["output"] += len(data)
    return False


def excess(house, limits, seen):
    """The limit gone beyond, if any."""
    if seen["output"] > limits["output_bytes"]:
        return "output"
    if house["tier"] != "full":  # whose scratch has a quota
        taken, files = scratch_used(house)
        if taken > limits["scratch_bytes"] or files > limits["scratch_files"]:
            return "scratch"
    return None


def reap(pid, seen, options=os.WNOHANG):
    """Whether the candidate has ended; notes how."""
    ended, status, usage = os.wait4(pid, options)
    if ended != pid:
        return False
    seen["status"] = status
    seen["usage"] = [usage.ru_utime + usage.ru_stime, usage.ru_maxrss]
    return True


def stop(pid, seen):
    """Kills the candidate, if it has not ended by itself, and notes which it was."""
    if seen["status"] is None and not reap(pid, seen):
        seen["stopped"] = True
        os.kill(pid, signal.SIGKILL)
        reap(pid, seen, 0)


def wake_on_child():
    """A descriptor that becomes readable when a child ends."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    return ours


def drain(descriptor):
    """What can be read now: None if nothing is there, empty at the end."""
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


