# Part 2 of the driver: what happens in the fork. The verdict travels as bytes behind a token that
# the zygote sends after the fork and that is read only when the tests have ended; no json here,
# for a candidate can replace any library function.
import ast
import builtins
import os
import random
import resource
import signal
import sys
import types

TOKEN_BYTES = 32


def run_candidate(request, tests, channel, output, scratch, layers):
    """Judges one submission and leaves the process."""
    read, write, leave, identity = os.read, os.write, os._exit, os.getpid
    me = identity()
    verdict, reason = "fault", ""
    try:
        channel = enter(request["limits"], channel, output, scratch, layers)
        verdict = "failed"  # from here on only the candidate can be at fault
        verdict, reason = judge(request, tests)
    except BaseException as error:
        reason = describe(error)
    try:
        sys.stdout.flush()
    except BaseException:
        pass  # the candidate's own doing; what it printed decides nothing
    if identity() != me:
        leave(0)  # a fork of the candidate's that came back here: not for it to report
    token = read(channel, TOKEN_BYTES)
    write(channel, token + ("%s\n%s" % (verdict, reason)).encode("utf-8", "backslashreplace"))
    leave(0)


def enter(limits, channel, output, scratch, layers):
    """Leaves the zygote's session, descriptors, signals and privileges behind."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(channel, 3)
    os.closerange(4, 256)
    os.chdir(scratch)
    confine_candidate(limits, layers)
    sys.stdin = open(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    random.seed(0)
    return 3


def judge(request, tests):
    """Runs program, setup and tests in one fresh module; returns verdict and reason."""
    pristine = dict(vars(builtins))
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        program = compile(request["program"], "<program>", "exec", dont_inherit=True)
    except MemoryError as error:
        return "memory", out_of_memory(error)
    except Exception as error:
        return "syntax error", describe(error)
    try:
        try:
            exec(program, vars(module))
        finally:
            vars(builtins).update(pristine)
        exec(tests["setup"], vars(module))
        exec(tests["tests"], vars(module))
    except MemoryError as error:
        return "memory", out_of_memory(error)
    except BaseException as error:
        return "failed", locate(error, request) + describe(error)
    finally:
        vars(builtins).update(pristine)
    return "passed", ""


def out_of_memory(error):
    """Unlocks the reserve, so that the report itself does not fail."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return describe(error)


def describe(error):
    """Type and message of an exception, whatever its class does."""
    name = "exception"
    try:
        name = "%s" % type.__dict__["__name__"].__get__(type(error))
        message = str(error)[:500]
        return "%s: %s" % (name, message) if message else name
    except BaseException:
        return name


def locate(error, request):
    """Where an exception left the tests (their source) or else the program (its line)."""
    places, frame = {}, BaseException.__dict__["__traceback__"].__get__(error)
    while frame is not None:
        places.setdefault(frame.tb_frame.f_code.co_filename, []).append(frame.tb_lineno)
        frame = frame.tb_next
    if "<tests>" in places:
        return "%s: " % statement(request["tests"], places["<tests>"][-1])
    for stage in ("setup", "program"):
        if "<%s>" % stage in places:
            return "%s line %d: " % (stage, places["<%s>" % stage][-1])
    return ""


def statement(source, line):
    """The source of the innermost statement of `source` that covers `line`."""
    text = "".join(source.split("\n")[line - 1 : line]).strip()
    try:
        covering = [
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
        ]
        smallest = min(covering, key=lambda node: (node.end_lineno - node.lineno, -node.col_offset))
        if smallest.end_lineno - smallest.lineno < 20:
            text = ast.get_source_segment(source, smallest) or text
    except Exception:
        pass  # the bare line says enough
    return text[:500]


