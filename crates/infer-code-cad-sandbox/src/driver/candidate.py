# What happens in the candidate's process. The program can change all of this text's workings, to its
# own loss: it is asked for values and has nothing else to give. It never sees a test.
import _signal  # what `signal` wraps, at a tenth of its cost in a fresh fork
import os
import random
import resource
import socket
import sys
import types


class Program(Peer):
    """The module that program and setup run in, and what the judge may ask of it."""

    def __init__(self, channel):
        operations = dict(OPERATIONS, load=Program.load, prepare=Program.prepare, name=Program.name)
        super().__init__(channel, operations)
        self.module = types.ModuleType("candidate")
        sys.modules["candidate"] = self.module
        sys.modules["__main__"] = types.ModuleType("__main__")
        self.flush, self.limit = sys.stdout.flush, resource.setrlimit
        self.memory = resource.getrlimit(resource.RLIMIT_AS)

    def load(self, source):
        """Runs the program; a text tells why it does not compile."""
        try:
            code = compile(source, "<program>", "exec", dont_inherit=True)
        except MemoryError:
            raise
        except Exception as error:
            return "%s: %s" % (type(error).__name__, str(error)[:500])
        exec(code, vars(self.module))
        return None

    def prepare(self, source):
        exec(compile(source, "<setup>", "exec", dont_inherit=True), vars(self.module))

    def name(self, name):
        try:
            return vars(self.module)[name]
        except KeyError:
            raise NameError("name %r is not defined" % name) from None

    def run(self, perform, parts):
        """The program has its memory, and what lies beyond is for the answer: an end of memory is told."""
        soft, hard = self.memory
        self.limit(resource.RLIMIT_AS, (soft, hard))
        try:
            return perform(self, *parts)
        finally:
            self.limit(resource.RLIMIT_AS, (hard, hard))

    def settle(self):
        try:
            self.flush()
        except BaseException:
            pass  # the program's own doing; what it printed decides nothing

    def serve(self):
        """Answers until the judge hangs up."""
        while True:
            kind, turn, *content = self.channel.receive()
            expect(kind == "ask")
            self.answer(turn, content)


class Forks:
    """A loaded program that makes copies of itself, one for each probe of the judge's."""

    def __init__(self, program, socket, house, limits):
        self.program, self.socket, self.house, self.limits = program, socket, house, limits
        program.operations.update(fork=lambda _: self.fork(), wait=lambda _, pid: self.wait(pid))

    def fork(self):
        """The copy's process id; the copy answers on the descriptor that comes with the question."""
        theirs = receive_descriptors(self.socket, 1)[1][0]
        pid = os.fork()
        if pid:
            os.close(theirs)
            return pid
        try:
            os.dup2(theirs, 3)
            os.close(theirs)
            if self.limits["processes"] == 1:
                deny_forks(self.house)
            self.program.operations = dict(
                (name, perform)
                for name, perform in self.program.operations.items()
                if name not in ("fork", "wait")
            )
            self.program.serve()
        finally:
            os._exit(0)

    def wait(self, pid):
        """How a copy ended, and the processor time it took."""
        _, status, usage = os.wait4(pid, 0)
        return status, usage.ru_utime + usage.ru_stime


def run_candidate(channel, output, house, limits, forks):
    """Leaves everything of the zygote's behind, then answers; never returns."""
    leave = os._exit
    try:
        channel = enter(channel, output, house, limits, forks)
        # A descriptor must not come along unseen with the message before it.
        program = Program(Channel(channel, ahead=4) if forks else Channel(channel))
        if forks:
            Forks(program, channel, house, limits)
        program.channel.send(["ready", 0, ""])
        program.serve()
    finally:
        leave(1)


def enter(channel, output, house, limits, forks):
    """Session, descriptors, signals and privileges of its own. A layer that cannot be had is told to
    the judge, who believes it: no program has been read yet."""
    os.setsid()
    _signal.set_wakeup_fd(-1)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    os.dup2(channel, 3)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(4, OPEN_AT_MOST)
    random.seed(0)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, 3)
    try:
        confine(house, limits, forks or limits["processes"] > 1)
    except BaseException as error:
        Channel(channel).send(["refused", 0, "%s: %s" % (type(error).__name__, error)])
        raise
    return channel


