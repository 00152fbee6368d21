# What happens in the judge's process for one submission: the trusted tests run here, and ask the
# candidate's process for values.
import ast
import builtins
import decimal
import functools
import hashlib
import random
import re
import sys

BUILTIN_NAMES = frozenset(vars(builtins))
# What an observation shows of an iterator, and of a long text.
PROBE_ITEMS, VALUE_TEXT = 1000, 1 << 16


class Names(dict):
    """The globals of the tests. A name that they do not define is looked up in the program, each time;
    builtins are not, but for the function that is to be written."""

    def __init__(self, entry_point):
        super().__init__(__name__="tests", __builtins__=builtins)
        self.entry_point, self.peer = entry_point, None

    def __missing__(self, name):
        if self.peer is None or name in BUILTIN_NAMES and name != self.entry_point:
            raise KeyError(name)
        try:
            return self.peer.ask("name", name)
        except NameError:
            raise KeyError(name) from None


def test_operations():
    """What the program may ask of what tests handed to it, and of nothing else: a builtin or a function of
    the library, called for it in this process, leads everywhere. Attributes only of instances of the
    tests' own classes, and only public ones: others lead into the tests' frames and names."""

    def given(perform):
        def checked(peer, target, *parts):
            if peer.given.get(peer.numbers.get(id(target))) is not target or target is None:
                raise TypeError("out of the program's reach")
            return perform(peer, target, *parts)

        return checked

    def public(perform):
        def checked(peer, target, name, *value):
            if type(target).__module__ != "tests" or type(name) is not str or name.startswith("_"):
                raise AttributeError("out of the program's reach")
            return perform(peer, target, name, *value)

        return checked

    safe = "call length item set_item iterate next truth text form".split()
    operations = {name: given(OPERATIONS[name]) for name in safe}
    for name in ("attribute", "set_attribute"):
        operations[name] = given(public(OPERATIONS[name]))
    return operations


def greet(socket):
    """The conversation with a candidate that has shut itself in; a text if it could not."""
    channel = Channel(socket, MESSAGE_BYTES)
    kind, _, answer = channel.receive()
    if kind != "ready":
        return None, str(answer)
    return Peer(channel, test_operations(), int.from_bytes(os.urandom(6), "big")), None


@functools.lru_cache(maxsize=32)
def compiled(source, name):
    return compile(source, name, "exec", dont_inherit=True)


@functools.lru_cache(maxsize=32)
def imports_of(source):
    """The imports at the top of a setup, which must work whatever the program does."""
    body = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return compile(ast.Module(body, []), "<setup>", "exec", dont_inherit=True)


def start_afresh():
    """Sets back what the tests before may have changed."""
    vars(builtins).update(PRISTINE)
    sys.setrecursionlimit(RECURSION)
    decimal.setcontext(decimal.DefaultContext.copy())
    random.seed(0)
    REMOTE_CLASSES.clear()
    if "numpy" in SHARED_PACKAGES:
        sys.modules["numpy"].random.seed(0)


PRISTINE, RECURSION = dict(vars(builtins)), sys.getrecursionlimit()


def judge_submission(work, link):
    """Verdict and reason, or what kept them from being found."""
    start_afresh()
    names = Names(work["entry_point"])
    part = "helpers"
    try:
        exec(compiled(work["helpers"], "<helpers>"), names)
        part = "setup"
        compiled(work["setup"], "<setup>")
        exec(imports_of(work["setup"]), {})
        part = "tests"
        compiled(work["tests"], "<tests>")
    except BaseException as error:
        return {"invalid": [part, describe(error)]}
    names.pop(work["entry_point"], None)
    peer, refused = greet(link)
    if refused:
        return {"fault": refused}
    result = verdict_of(work, peer, names)
    result["calls"] = peer.calls
    if peer.ended is not None:
        result["ended"] = list(peer.ended.args)
    return result


def verdict_of(work, peer, names):
    try:
        problem = peer.ask("load", work["program"])
        if problem is not None:
            return {"verdict": "syntax error", "reason": str(problem)[:500]}
        if work["setup"]:
            peer.ask("prepare", work["setup"])
        peer.calls, names.peer = 0, peer
        exec(compiled(work["tests"], "<tests>"), names)
    except Ended:
        return {}
    except Unsendable as error:
        if not peer.heard:
            return {"invalid": ["tests", "they hand over %s" % error]}
        return {"verdict": "failed", "reason": "gave what cannot be handed back: %s" % error}
    except MemoryError as error:
        return {"verdict": "memory", "reason": describe(error)}
    except BaseException as error:
        if is_fault_of_tests(error, peer, names):
            return {"invalid": ["tests", locate(error, work["tests"]) + describe(error)]}
        return {"verdict": "failed", "reason": locate(error, work["tests"]) + describe(error)}
    return {"verdict": "passed", "reason": ""}


def is_fault_of_tests(error, peer, names):
    """Whether an exception cannot be the program's doing: an import that failed here, or anything but a
    broken assertion before the program was asked for something."""
    if hasattr(error, "__remote__") or names.peer is None:
        return False
    return isinstance(error, ImportError) or peer.calls == 0 and not isinstance(error, AssertionError)


def load_program(program, link):
    """Whether a program loads, for probes to look at."""
    peer, refused = greet(link)
    if refused:
        return {"fault": refused}
    try:
        problem = peer.ask("load", program)
    except Ended as ended:
        return {"ended": list(ended.args)}
    except MemoryError as error:
        return {"limit": "memory: %s" % describe(error)}
    except BaseException as error:
        return {"raised": list(kind_and_message(error))}
    if problem is not None:
        kind, _, message = str(problem).partition(": ")
        return {"raised": [kind, message[:500]]}
    return {"loaded": True}


def observe_copy(probe, loaded, link, say):
    """Waits for the copy of a loaded program, then looks at it. How it ended, if it did, only the
    program that it came from can tell."""
    parent = Channel(loaded, MESSAGE_BYTES)
    copy = answer_of(parent)
    if type(copy) is not int:
        raise BrokenMessage("no copy was made")
    say({"copy": copy})
    seen = observe_probe(probe, link)
    say(seen)
    if seen.get("ended", [""])[0] == "gone":
        say({"lost": True})
        parent.send(["ask", 2, "wait", [copy]])
        status, cpu = answer_of(parent)
        expect(type(status) is int and type(cpu) is float)
        say({"copy_ended": [status, cpu], "lost": False})


def answer_of(channel):
    try:
        kind, _, value, _ = channel.receive()
        expect(kind == "value")
        return Decoder(None).value(value)
    except Exception as fault:
        raise at_fault(fault)


def observe_probe(probe, socket):
    """What one probe shows of a program that is loaded."""
    start_afresh()
    peer = Peer(Channel(socket, MESSAGE_BYTES), test_operations(), int.from_bytes(os.urandom(6), "big"))
    names = Names(None)
    names.peer = peer
    try:
        if "check" in probe:
            exec(compile(probe["check"], "<probe>", "exec", dont_inherit=True), names)
            seen = {"held": None}
        else:
            seen = {"value": shortened(observed_value(probe["value"], names))}
    except Ended:
        seen = {}
    except Unsendable as error:
        seen = {"limit": str(error)}
    except MemoryError as error:
        seen = {"limit": "memory: %s" % describe(error)}
    except BaseException as error:
        kind, message = kind_and_message(error)
        seen = {"raised": [kind, message]}
    if peer.ended is not None:
        seen = {"ended": list(peer.ended.args)}
    return seen


def observed_value(expression, names):
    """The canonical text of an expression's value. A call that gives None is followed by what it left
    its arguments as, for it was made for that."""
    tree = ast.parse(expression.strip(), "<probe>", "eval")
    evaluate = lambda node: eval(compile(ast.Expression(node), "<probe>", "eval"), names)
    call = tree.body
    if not isinstance(call, ast.Call) or any(isinstance(part, ast.Starred) for part in call.args):
        return canonical(evaluate(call))
    if any(word.arg is None for word in call.keywords):
        return canonical(evaluate(call))
    function = evaluate(call.func)
    positional = [evaluate(part) for part in call.args]
    named = {word.arg: evaluate(word.value) for word in call.keywords}
    value = function(*positional, **named)
    if value is not None or not any(type(part) in MUTABLE for part in [*positional, *named.values()]):
        return canonical(value)
    left = [canonical(part) for part in positional]
    left += ["%s=%s" % (name, canonical(part)) for name, part in named.items()]
    return "None, and its arguments are (%s)" % ", ".join(left)


def shortened(text):
    """A text of bounded length that is still another for another value."""
    if len(text) <= VALUE_TEXT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return "%s... (%d characters, sha256 %s)" % (text[:VALUE_TEXT], len(text), digest)


def canonical(value, depth=0):
    """A text that is equal for equal values of one type, and exact: members of sets and keys of dicts in
    the order of their texts, numbers as Python writes them."""
    if depth > VALUE_DEPTH:
        raise Unsendable("a value nested deeper than %d" % VALUE_DEPTH)
    inner = lambda part: canonical(part, depth + 1)
    kind = type(value)
    if kind is list:
        return "[%s]" % ", ".join(map(inner, value))
    if kind is tuple:
        return "(%s%s)" % (", ".join(map(inner, value)), "," if len(value) == 1 else "")
    if kind in (set, frozenset):
        members = ", ".join(sorted(map(inner, value)))
        return "{%s}" % members if kind is set and value else "%s({%s})" % (kind.__name__, members)
    if isinstance(value, dict):
        pairs = ["%s: %s" % (inner(key), inner(content)) for key, content in value.items()]
        if kind is not collections.OrderedDict:
            pairs.sort()
        text = "{%s}" % ", ".join(pairs)
        return text if kind is dict else "%s(%s)" % (kind.__name__, text)
    if kind is collections.deque:
        return "deque([%s])" % ", ".join(map(inner, value))
    if kind is type({}.keys()) or kind is type({}.items()):
        return "%s([%s])" % (kind.__name__, ", ".join(sorted(map(inner, value))))
    if kind is Handle:
        return of_handle(value, depth)
    if is_of_numpy(value):  # whose own text leaves out the middle
        return "%s(%s)" % (value.dtype, inner(value.tolist()))
    return repr(value)


def of_handle(value, depth):
    """Iterators by their items, to a cap; other objects by their public attributes."""
    name = name_of(value)
    peer = peer_of(value)
    if peer.ask("iterates", value):
        items = []
        for item in value:
            if len(items) == PROBE_ITEMS:
                items.append("...")
                break
            items.append(canonical(item, depth + 1))
        return "%s([%s])" % (name, ", ".join(items))
    attributes = peer.ask("attributes", value)
    if type(attributes) is not dict:
        return "<%s>" % name
    pairs = ["%s=%s" % (key, canonical(part, depth + 1)) for key, part in sorted(attributes.items())]
    return "<%s %s>" % (name, ", ".join(pairs)) if pairs else "<%s>" % name


def kind_and_message(error):
    """Type and message of an exception, here or there. Addresses differ from run to run."""
    name = type.__dict__["__name__"].__get__(type(error))
    try:
        text = error.__remote__[0] if hasattr(error, "__remote__") else str(error)[:500]
    except Exception:
        text = ""
    return name, re.sub(r"\b0x[0-9a-f]{6,}\b", "0x...", text)


def describe(error):
    name, message = kind_and_message(error)
    return "%s: %s" % (name, message) if message else name


def locate(error, source):
    """Where an exception left the tests (their source) or else the program (its line)."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<tests>":
            line = frame.tb_lineno
        frame = frame.tb_next
    if line is not None:
        return "%s: " % statement(source, line)
    place = getattr(error, "__remote__", ("", ""))[1]
    return "%s: " % place if place else ""


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


