# Part 3 of the driver: the warm, trusted process. It forks per candidate, watches the clock and
# the output, and classifies the end. Messages: 4 bytes length (big endian), then JSON.
import fcntl
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

# What candidates usually import: loaded once, before the fork.
WARM = """abc array bisect calendar cmath collections collections.abc contextlib copy dataclasses
datetime decimal enum fractions functools hashlib heapq io itertools json math numbers operator
queue random re statistics string struct textwrap threading time types typing""".split()
VERDICTS = ("passed", "failed", "syntax error", "memory", "fault")
MESSAGE_BYTES = 64 << 10


def main():
    os.closerange(3, 1024)
    requests, replies = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (0, 1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    home = os.getcwd()
    sys.path[:] = [path for path in sys.path if os.path.isabs(path)]
    sys.dont_write_bytecode = True
    for name in WARM:
        importlib.import_module(name)
    os.environ.clear()
    os.umask(0o022)
    layers = isolate_zygote()
    layers["own_processes"] = own_processes(layers)
    os.umask(0o077)
    wake = wake_on_child()
    gc.collect()
    gc.freeze()
    python = "%s %s" % (sys.implementation.name, sys.version.split()[0])
    try:
        send(replies, {"python": python, "layers": layers})
        number = 0
        while True:
            number += 1
            scratch = os.path.join(home, str(number))
            send(replies, serve(receive(requests), scratch, requests, wake, layers))
            # After the reply: what a candidate made can take longer to delete than its verdict may wait.
            remove(scratch)
    except (EOFError, BrokenPipeError):
        follow(home)  # the other side is gone


def serve(request, scratch, requests, wake, layers):
    """One submission: a report, or why there is none."""
    tests = {}
    for stage in ("setup", "tests"):
        try:
            tests[stage] = compiled(request[stage], "<%s>" % stage)
        except Exception as error:
            reason = describe(error).encode("utf-8", "backslashreplace").decode()
            return {"invalid": {"part": stage, "reason": reason}}
    os.mkdir(scratch)
    if layers["user"] is not None:
        os.chown(scratch, layers["user"], layers["user"])
    output, theirs_out = os.pipe()
    ours, theirs = socket.socketpair()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        run_candidate(request, tests, theirs.detach(), theirs_out, scratch, layers)
    os.close(theirs_out)
    theirs.close()
    token = os.urandom(TOKEN_BYTES // 2).hex().encode()
    try:
        ours.send(token)
    except OSError:
        pass  # the candidate has ended already
    os.set_blocking(output, False)
    ours.setblocking(False)
    seen = watch(pid, output, ours.fileno(), requests, wake, request["limits"], started)
    wall = time.monotonic() - started
    end_leftovers(pid, layers)
    os.close(output)
    ours.close()
    return report(seen, token, wall, request["limits"])


@functools.lru_cache(maxsize=256)
def compiled(source, name):
    return compile(source, name, "exec", dont_inherit=True)


def watch(pid, output, channel, requests, wake, limits, started):
    """Follows a candidate to its end, which comes by itself or at a limit."""
    seen = {"cause": None, "output": 0, "message": b""}
    deadline = started + limits["wall_millis"] / 1000
    poller = select.poll()
    for fd in (output, channel, requests, wake):
        poller.register(fd, select.POLLIN)
    while True:
        left = None if seen["cause"] else max(0, deadline - time.monotonic())
        for fd, _ in poller.poll(None if left is None else min(left * 1000 + 1, 1 << 30)):
            if fd == requests:  # nothing is due: the other side is gone, so tidy up and follow it
                poller.unregister(requests)
                seen["cause"] = "abandoned"
                stop(pid)
                continue
            data = drain(fd)
            if fd == output:
                seen["output"] += len(data)
            elif fd == channel:
                seen["message"] += data
            if fd != wake and not data:
                poller.unregister(fd)
        if seen["cause"] is None:
            seen["cause"] = excess(seen, limits, deadline)
            if seen["cause"] is not None:
                stop(pid)
        ended, seen["status"], seen["usage"] = os.wait4(pid, os.WNOHANG)
        if ended == pid:
            break
    while len(data := drain(output)):
        seen["output"] += len(data)
        if seen["output"] > limits["output_bytes"]:
            break
    seen["message"] += drain(channel)
    seen["cause"] = seen["cause"] or excess(seen, limits, float("inf"))
    return seen


def excess(seen, limits, deadline):
    """The limit gone beyond, if any."""
    if seen["output"] > limits["output_bytes"]:
        return "output"
    if len(seen["message"]) > MESSAGE_BYTES:
        return "channel"
    return "wall" if time.monotonic() >= deadline else None


def report(seen, token, wall, limits):
    verdict, reason = classify(seen, token, limits)
    if verdict == "fault":
        return {"fault": reason}
    usage = seen["usage"]
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "report": {
            "verdict": verdict,
            "reason": reason,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "wall_seconds": wall,
            "max_rss_bytes": usage.ru_maxrss * unit,
            "output_bytes": seen["output"],
        }
    }


def classify(seen, token, limits):
    """Verdict and reason. The exit status tells how a candidate crashed, never that it passed."""
    status, usage = seen["status"], seen["usage"]
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    cpu = usage.ru_utime + usage.ru_stime
    if seen["cause"] == "output":
        return "output limit", "printed more than %d bytes" % limits["output_bytes"]
    if seen["cause"] == "wall":
        return "timeout", "wall time limit of %g s" % (limits["wall_millis"] / 1000)
    if number == signal.SIGXCPU or cpu * 1000 >= limits["cpu_millis"]:
        return "timeout", "cpu time limit of %g s" % (limits["cpu_millis"] / 1000)
    if number:
        return "crashed", "killed by %s" % signal_name(number)
    if not seen["message"]:
        code = os.WEXITSTATUS(status)
        return "crashed", "exited with status %d before the tests ended" % code
    verdict, _, reason = seen["message"][TOKEN_BYTES:].partition(b"\n")
    verdict = verdict.decode("ascii", "replace")
    if not seen["message"].startswith(token) or verdict not in VERDICTS:
        return "crashed", "wrote to the harness's result channel"
    return verdict, reason.decode("utf-8", "replace")


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def stop(pid):
    """Kills a candidate that was not waited for yet, and its group."""
    os.kill(pid, signal.SIGKILL)
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass  # it had not come to its setsid, or nobody is left


def end_leftovers(pid, layers):
    """Kills what the candidate left running. Orphans become children of a subreaper, also those
    that started a session of their own."""
    if not layers["reaper"]:
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass  # nobody is left
        return
    try:
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                for child in children():
                    os.kill(child, signal.SIGKILL)
                os.waitpid(-1, 0)
    except ChildProcessError:
        pass  # nobody is left


def children():
    """Process ids of the live children, from /proc."""
    me, found = os.getpid(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue  # it has ended
        if parent == me:
            found.append(int(name))
    return found


def remove(scratch):
    try:
        os.rmdir(scratch)  # the usual case: nothing was written
    except FileNotFoundError:
        pass  # the submission was refused before it had one, or the other side was faster
    except OSError:
        # No depth limit, and directories may have been made unreadable.
        subprocess.call(["/bin/chmod", "-R", "u+rwx", scratch], stderr=subprocess.DEVNULL)
        subprocess.call(["/bin/rm", "-rf", scratch])


def follow(home):
    """Ends after the other side, which removes all files itself unless it was killed or its process
    ended while a submission was judged."""
    try:
        os.unlink(os.path.join(home, "log"))  # the only one, in general
    except OSError:
        pass  # the other side was faster
    remove(home)
    os._exit(0)


def wake_on_child():
    """A descriptor that becomes readable when a child ends."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    return ours


def drain(fd):
    """What can be read now; empty at the end of the stream and when nothing is there."""
    try:
        return os.read(fd, 1 << 16)
    except (BlockingIOError, ConnectionResetError):
        return b""


def receive(fd):
    (length,) = struct.unpack(">I", read_exactly(fd, 4))
    return json.loads(read_exactly(fd, length))


def read_exactly(fd, length):
    chunks = []
    while length:
        chunk = os.read(fd, min(length, 1 << 20))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def send(fd, message):
    data = json.dumps(message).encode()
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[os.write(fd, data) :]


main()
