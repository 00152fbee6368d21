# The judge's side: a warm process that reads submissions, has the zygote fork a candidate for each, and
# forks itself to run the tests.
import fcntl
import gc
import select
import time

# What programs and tests usually import: loaded once, before any fork. What makes each fork dearer than
# an import now and then is left out: asyncio, and threading with what rests on it.
WARM = """abc array bisect calendar cmath collections collections.abc contextlib copy dataclasses
datetime decimal enum fractions functools hashlib heapq io itertools json math numbers operator
random re statistics string struct textwrap time types typing""".split()
# The last line of what is said of a piece of work.
DONE = b"{}\n"


class Fault(Exception):
    """The sandbox's own failure."""


def main():
    os.closerange(3, 1 << 16)  # whatever the caller left open
    requests, replies = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10) for number in (0, 1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    plan = None
    try:
        plan = receive(requests)
        warm_up(plan)
        try:
            supervisor = move_in(plan, requests, replies)
        except Refused as refused:
            send(replies, {"refused": [str(part) for part in refused.args]})
            return
        gc.collect()
        gc.freeze()
        while True:
            send(replies, supervisor.serve(receive(requests)))
    except (EOFError, BrokenPipeError):
        pass  # the other side is gone, and all that hangs on this process goes with it
    finally:
        if plan and plan["tier"] != "full":
            remove_tree(plan["scratch"])


def warm_up(plan):
    sys.path[:] = [path for path in sys.path if os.path.isabs(path)]
    sys.dont_write_bytecode = True
    for name in WARM:
        importlib.import_module(name)
    if plan["site_packages"]:
        try:
            share_numpy(importlib.import_module("numpy"))
        except ImportError:
            pass  # it is not installed
    os.environ.clear()


def move_in(plan, requests, replies):
    """Isolates this process and makes the zygote; says what holds."""
    installed = packages() if plan["site_packages"] else []
    library = [path for path in sys.path if os.path.isdir(path)] if plan["site_packages"] else []
    os.umask(0o022)
    house = isolate(dict(plan, library=library))
    os.umask(0o077)
    ours, theirs = socket.socketpair()

    def zygote(house):
        ours.close()
        os.close(requests)
        os.close(replies)
        run_zygote(house, theirs)

    fork_zygote(house, zygote)
    theirs.close()
    python = "%s %s" % (sys.implementation.name, sys.version.split()[0])
    tried = self_test(house)
    send(replies, {"python": python, "layers": house["layers"], "tried": tried, "packages": installed})
    return Supervisor(house, requests, replies, ours)


def packages():
    """What is installed beside the standard library, by name and version."""
    metadata = importlib.import_module("importlib.metadata")
    found = {(one.metadata["Name"], one.version) for one in metadata.distributions()}
    return sorted("%s %s" % one for one in found)


class Supervisor:
    def __init__(self, house, requests, replies, zygote):
        self.house, self.requests, self.replies, self.zygote = house, requests, replies, zygote
        self.judging = None

    def serve(self, request):
        """One submission or observation: what came of it, or why nothing did."""
        try:
            if "probes" in request:
                return {"observed": self.observe(request)}
            return self.judge(request)
        except Fault as fault:
            return {"fault": plain(str(fault))}

    def judge(self, request):
        limits = request["limits"]
        started = time.monotonic()
        link = self.start(limits, False)
        if self.judging is None:
            self.judging = Judging(self)
        found = self.judging.ask(request, link, self.deadline(limits))
        link.close()
        if self.judging.left:
            self.judging = None
        seen = self.end(found)
        wall = time.monotonic() - started
        if "invalid" in found:
            part, reason = found["invalid"]
            return {"invalid": {"part": part, "reason": plain(reason)}}
        verdict, reason = classify(found, seen, limits, self.house)
        cpu, rss = seen["usage"]
        return {
            "report": {
                "verdict": verdict,
                "reason": plain(reason),
                "signal": None if seen["stopped"] else ended_by(seen["status"]) or None,
                "calls": found.get("calls", 0),
                "cpu_seconds": cpu,
                "wall_seconds": wall,
                "max_rss_bytes": rss * (1 if sys.platform == "darwin" else 1024),
                "output_bytes": seen["output"],
            }
        }

    def observe(self, request):
        """One observation per probe. The program is loaded once, and again only where a probe took the
        loaded one along."""
        limits, probes, observed = request["limits"], request["probes"], []
        if self.judging is not None:
            self.judging.leave()  # a task less of those that limits count
            self.judging = None
        while len(observed) < len(probes):
            loaded = self.start(limits, True)
            load = lambda say: say(load_program(request["program"], loaded))
            found = self.apart(load, None, limits, self.deadline(limits))
            loaded_once = lives = "loaded" in found and self.next(None)
            while lives and len(observed) < len(probes):
                found, lives = self.probe(probes[len(observed)], loaded, limits)
                observed.append(found)
            loaded.close()
            seen = self.end(found)
            if not loaded_once:
                last = observation(found, seen, limits, self.house)
                observed += [last] * (len(probes) - len(observed))
            elif not lives:
                observed[-1] = observation(found, seen, limits, self.house)
        return observed

    def probe(self, probe, loaded, limits):
        """What a copy of the loaded program shows, and whether that one lives on."""
        ours, theirs = new_pair()
        try:
            Channel(loaded).send(["ask", 1, "fork", []])
            send_descriptor(loaded, theirs)
        except (OSError, Ended):
            ours.close()
            return {"ended": ["gone"]}, False
        finally:
            theirs.close()
        look = lambda say: observe_copy(probe, loaded, ours, say)
        found = self.apart(look, ours, limits, self.deadline(limits))
        if not self.next(found.get("copy")):
            return {"ended": ["gone"]}, False
        lives = "copy" in found and not found.get("lost")
        if lives:
            status, cpu = found.get("copy_ended", (0, 0))
            seen = {"cause": None, "stopped": False, "status": status, "usage": [cpu, 0]}
            found = observation(found, seen, limits, self.house)
        return found, lives

    def deadline(self, limits):
        return time.monotonic() + limits["wall_millis"] / 1000

    def start(self, limits, forks):
        """Has a candidate made, which has yet to be told its program; our end of the conversation."""
        ours, theirs = new_pair()
        self.tell({"limits": limits, "forks": forks}, [theirs.fileno()])
        theirs.close()
        return ours

    def next(self, copy):
        """Has a copy ended and its files removed. Whether the program that it is of lives on."""
        self.tell({"next": copy})
        return self.hear()["next"] is None

    def end(self, found):
        """Ends the candidate; how it was."""
        self.tell({"end": found.get("ended", [None])[0]})
        return self.hear()

    def tell(self, order, descriptors=()):
        try:
            send(self.zygote, order, descriptors)
        except OSError:
            raise Fault("the process that forks candidates has ended")

    def hear(self):
        try:
            return receive(self.zygote.fileno())
        except (EOFError, OSError):
            raise Fault("the process that forks candidates has ended")

    def apart(self, work, used, limits, deadline):
        """What `work` says, in a process of its own; `used` is a socket that only it goes on with."""
        result, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(result)
            say_and_leave(work, theirs, self, limits)
        os.close(theirs)
        if used is not None:
            used.close()
        data, ready = self.hear_out(result, deadline)
        if ready != result:
            os.kill(pid, signal.SIGKILL)
        os.close(result)
        _, status, _ = os.wait4(pid, 0)
        return self.found(data, ready, result, status)

    def hear_out(self, result, deadline):
        """All that is said until it is done, and the descriptor that made an end of it; None for the
        deadline."""
        data, poller = b"", select.poll()
        for descriptor in (result, self.requests, self.zygote.fileno()):
            poller.register(descriptor, select.POLLIN)
        while True:
            left = min(max(0, deadline - time.monotonic()) * 1000 + 1, 1 << 30)
            ready = [descriptor for descriptor, _ in poller.poll(left)]
            if result in ready:
                try:
                    chunk = os.read(result, 1 << 16)
                except ConnectionResetError:
                    chunk = b""
                data += chunk
                if not chunk or data.endswith(DONE):
                    return data, result
            elif ready or time.monotonic() >= deadline:
                return data, ready[0] if ready else None

    def found(self, data, ready, result, status):
        """What was said, taken together, or what kept it from being said."""
        if ready == self.requests:
            raise EOFError  # nothing is due: the other side is gone
        if ready == self.zygote.fileno():
            raise Fault("the process that forks candidates has ended")
        found = {}
        for line in data[: data.rfind(b"\n") + 1].splitlines():
            found.update(json.loads(line))
        if ready is None:
            found["late"] = True
        elif not data.endswith(DONE):
            found["died"] = status
        return found


class Judging:
    """The process that runs the tests of one submission after the other, until one has anything but a
    plain verdict; then it is replaced."""

    PLAIN = ("passed", "failed", "syntax error")

    def __init__(self, supervisor):
        self.supervisor, self.left = supervisor, False
        self.link, theirs = new_pair()
        self.pid = os.fork()
        if self.pid == 0:
            self.link.close()
            judge_and_leave(theirs, supervisor)
        theirs.close()

    def ask(self, request, candidate, deadline):
        """What it finds of a submission, whose candidate is at the other end of a socket."""
        data, ready, status, ours = b"", self.link.fileno(), 0, self.link.fileno()
        try:
            send(self.link, request, [candidate.fileno()])
            data, ready = self.supervisor.hear_out(ours, deadline)
        except BrokenPipeError:
            pass  # it has ended, which its status tells
        if not data.endswith(DONE):
            status = self.leave()
        found = self.supervisor.found(data, ready, ours, status)
        if found.get("verdict") not in self.PLAIN or "ended" in found:
            self.leave()
        return found

    def leave(self):
        """How it ended, if it had."""
        if self.left:
            return 0
        self.left = True
        os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        self.link.close()
        return status


def new_pair():
    return socket.socketpair()


def say_and_leave(work, result, supervisor, limits):
    """Runs in a fork of the supervisor's, for one piece of work."""
    try:
        shut_off(supervisor, limits)
        speak(work, result)
    finally:
        os._exit(0)


def judge_and_leave(link, supervisor):
    """Runs in a fork of the supervisor's, for many submissions."""
    try:
        shut_off(supervisor, {"cpu_millis": 1 << 40})
        while True:
            request, (descriptor,) = receive_with_descriptors(link)
            candidate = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptor)
            allow_time(request["limits"])
            speak(lambda say: say(judge_submission(request, candidate)), link.fileno())
            candidate.close()
    finally:
        os._exit(0)


def shut_off(supervisor, limits):
    """Tests come from a file that somebody made, so they are shut in too."""
    os.close(supervisor.requests)
    os.close(supervisor.replies)
    supervisor.zygote.close()
    confine_judge(supervisor.house, limits)


def allow_time(limits):
    """The processor time of one submission, on top of what the earlier ones took."""
    usage, (_, most) = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)
    seconds = usage.ru_utime + usage.ru_stime + limits["cpu_millis"] / 1000
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, most))


def speak(work, result):
    """Does the work and says what it finds, line by line, to the end."""

    def say(found):
        data = json.dumps(found).encode() + b"\n"
        while data:
            data = data[os.write(result, data) :]

    try:
        work(say)
    except Ended as ended:
        say({"ended": list(ended.args)})
    except BrokenMessage as broken:
        say({"ended": ["broken", str(broken)]})
    except MemoryError:
        text = "memory: what the program gave is too much for its tests"
        say({"verdict": "memory", "reason": text, "limit": text})
    except BaseException as error:
        say({"fault": describe(error)})
    os.write(result, DONE)


def classify(found, seen, limits, house):
    """Verdict and reason. How a process ended tells how a candidate crashed, never that it passed."""
    if "fault" in found:
        raise Fault(found["fault"])
    limit = reached_limit(found, seen, limits)
    if limit:
        return limit
    if "ended" not in found:
        return found["verdict"], found["reason"]
    kind, *why = found["ended"]
    if kind == "unsendable":
        return "failed", "gave " + why[0]
    if kind == "broken":
        return "crashed", "broke the judge's protocol: " + why[0]
    return "crashed", how_it_ended(seen, house)


def observation(found, seen, limits, house):
    """What a probe showed, or the limit or the end that kept it from showing something."""
    for kind in ("value", "held", "raised", "limit"):
        if kind in found:
            return {kind: found[kind]}
    return {"limit": classify(found, seen, limits, house)[1]}


def reached_limit(found, seen, limits):
    """The verdict on a candidate that went beyond a limit."""
    cpu = limits["cpu_millis"] / 1000
    # The kernel's signal comes by ticks, a little before the sum of them, and a program may catch it.
    nearly = cpu - min(0.05, cpu / 20)
    if seen["cause"] == "output":
        return "output limit", "printed more than %d bytes" % limits["output_bytes"]
    if seen["cause"] == "scratch":
        return "failed", "wrote more than %(scratch_bytes)d bytes or %(scratch_files)d files" % limits
    if seen["usage"][0] >= nearly or ended_by(seen["status"]) == signal.SIGXCPU:
        return "timeout", "cpu time limit of %g s" % cpu
    if "late" in found:
        return "timeout", "wall time limit of %g s" % (limits["wall_millis"] / 1000)
    if "died" in found:
        status = found["died"]
        if ended_by(status) == signal.SIGXCPU:
            return "timeout", "cpu time limit of %g s, in the tests, on what the program gave" % cpu
        if os.WIFEXITED(status):  # it could not even say so
            return "memory", "memory: what the program gave is too much for its tests"
        raise Fault("the tests' own process was %s" % ending(status))
    return None


def ended_by(status):
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def how_it_ended(seen, house):
    """How a candidate went that nobody stopped. Where it cannot have sent itself a SIGKILL somebody
    else has, such as the kernel for want of memory: that is no verdict on it."""
    if seen["stopped"]:
        return "closed the judge's channel"
    if ended_by(seen["status"]) == signal.SIGKILL and house["tier"] != "none":
        raise Fault("the candidate was killed from outside, as for want of memory")
    return ending(seen["status"])


def ending(status):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return "killed by %s" % signal.Signals(number).name
        except ValueError:
            return "killed by signal %d" % number
    return "exited with status %d before the tests ended" % os.WEXITSTATUS(status)


def plain(text):
    """A text that any JSON can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


