# How judge and candidate talk: one asks, the other answers, and may ask back before it does. Both run
# this text. What one side knows by a handle lies in the other's `given`.
import json

# What the judge reads at once; the candidate's own limits bound what it reads.
MESSAGE_BYTES = 16 << 20
DUMP, PARSE = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode, json.JSONDecoder().decode


class Ended(BaseException):
    """There will be no more answers; the reason is for the report. Not an Exception, so that tests
    that catch one do not go on."""


class Channel:
    """Messages over a socket: 4 bytes length (big endian), then JSON."""

    def __init__(self, socket, most=None, ahead=1 << 16):
        self.take, self.put, self.most, self.ahead = socket.recv, socket.sendall, most, ahead

    def send(self, message):
        try:
            data = DUMP(message).encode("ascii")
        except RecursionError:
            raise Unsendable("a value that is nested too deep")
        if len(data) > MESSAGE_BYTES:
            raise Unsendable("values of more than %d bytes" % MESSAGE_BYTES)
        try:
            self.put(len(data).to_bytes(4, "big") + data)
        except OSError:
            raise Ended("gone")

    def receive(self):
        """The next message. The other side waits for its answer, so what comes in one piece is one."""
        data = self.some(self.ahead)
        while len(data) < 4:
            data += self.some(4 - len(data))
        length = 4 + int.from_bytes(data[:4], "big")
        if self.most is not None and length > self.most:
            raise BrokenMessage("a message of %d bytes" % (length - 4))
        if len(data) < length:
            data = bytearray(data)
            while len(data) < length:
                data += self.some(min(length - len(data), 1 << 20))
        if len(data) > length:
            raise BrokenMessage("more than a message")
        try:
            message = PARSE(data[4:].decode("ascii"))
        except (ValueError, RecursionError):
            raise BrokenMessage("bytes that are no JSON")
        if type(message) is not list or len(message) < 3 or type(message[0]) is not str:
            raise BrokenMessage("JSON that is no message")
        return message

    def some(self, most):
        try:
            data = self.take(most)
        except OSError:
            data = b""
        if not data:
            raise Ended("gone")
        return data


class Peer:
    """One end of the conversation. `operations` is what the other side may ask for."""

    def __init__(self, channel, operations, first_turn=0):
        self.channel, self.operations, self.turn = channel, operations, first_turn
        self.given, self.numbers, self.taken, self.calls = {}, {}, {}, 0
        self.heard, self.ended = False, None

    def ask(self, operation, *parts):
        """The value of an operation on the other side, or its exception, raised again here."""
        if self.ended is not None:
            raise self.ended
        try:
            return self.conversation(operation, parts)
        except BrokenMessage as error:
            self.ended = Ended("broken", str(error))
        except Ended as ended:
            self.ended = ended
        raise self.ended

    def conversation(self, operation, parts):
        self.turn += 1
        self.calls += 1
        turn = self.turn
        self.channel.send(["ask", turn, operation, self.trees(parts)])
        while True:
            kind, number, *content = self.channel.receive()
            if kind == "ask":
                self.answer(number, content)
            elif number != turn:
                raise BrokenMessage("an answer to a question that was not asked")
            else:
                break
        error = None
        try:
            if kind == "value":
                value, changed = Decoder(self.take).values(content, 0)
                write_back(parts, changed)
                self.heard = self.heard or operation not in ("load", "prepare", "name")
            elif kind == "raised":
                error = self.exception(*content)
            else:
                (reason,) = content
                expect(kind == "unsendable" and type(reason) is str)
                error = Ended("unsendable", reason[:200])
        except Exception as fault:
            raise at_fault(fault)
        if error is not None:
            raise error
        return value

    def answer(self, turn, content):
        try:
            operation, trees = content
            perform = self.operations[operation]
            parts = Decoder(self.take).values(trees, 0)
        except Exception as fault:
            raise at_fault(fault)
        try:
            try:
                value = self.run(perform, parts)
                changed = changed_arguments(parts) if operation == "call" and value is None else []
                reply = ["value", turn] + self.trees([value, changed])
            except (Ended, Unsendable):
                raise
            except BaseException as error:
                reply = ["raised", turn] + self.description(error)
        except Unsendable as error:
            reply = ["unsendable", turn, str(error)]
        self.settle()
        try:
            self.channel.send(reply)
        except Unsendable as error:
            self.channel.send(["unsendable", turn, str(error)])

    def run(self, perform, parts):
        return perform(self, *parts)

    def settle(self):
        """What is due before an answer."""

    def trees(self, values):
        return Encoder(self.give).trees(values, 0)

    def give(self, value):
        """What travels in the place of a value that has no kind of its own."""
        if isinstance(value, Handle):
            return {"yours": number_of(value)}
        remote = REMOTE_CLASSES.get(value) if isinstance(value, type) else None
        if remote is not None:
            return {"yours": remote}
        if isinstance(value, BaseException):
            return {"error": self.description(value)}
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.given)
            self.given[number] = value
        name = type.__dict__["__name__"].__get__
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"exception": [number, name(value), PURE_NAMES[id(builtin_base(value))]]}
        return {"handle": [number, name(type(value))]}

    def take(self, kind, content):
        """The handle, or the value of our own, that a message names."""
        if kind == "yours" and type(content) is int and content in self.given:
            return self.given[content]
        if kind == "error":
            return self.exception(*content)
        if kind in ("handle", "exception") and type(content) is list and type(content[0]) is int:
            number, name = content[:2]
            if number not in self.taken and type(name) is str:
                if kind == "handle":
                    self.taken[number] = Handle(self, number, name)
                else:
                    self.taken[number] = remote_class(number, name, content[2])
            return self.taken[number]
        raise BrokenMessage("a value of no known kind")

    def description(self, error):
        """Builtin base, class, arguments, text and place of an exception, whatever its class does."""
        kind = type(error)
        base = builtin_base(kind)
        text = ""
        try:
            text = str(error)[:500]
        except BaseException:
            pass  # its own doing
        try:
            arguments = self.trees(BaseException.args.__get__(error))
        except BaseException:
            arguments = [text]
        own = None if kind is base else self.give(kind)
        return [PURE_NAMES[id(base)], own, arguments, text, place(error)]

    def exception(self, base, own, arguments, text, line):
        """The exception that the other side described."""
        kind = PURE_BUILTINS[base] if own is None else Decoder(self.take).value(own)
        expect(issubclass(kind, BaseException) and type(text) is str)
        try:
            error = kind(*Decoder(self.take).values(arguments, 0))
        except BrokenMessage:
            raise
        except Exception:  # of other arguments than its class takes, which only its text tells
            try:
                error = BaseException.__new__(kind, text)
            except TypeError:  # such as a group, which is made of others
                error = Exception(text)
        error.__remote__ = (text[:500], str(line)[:40])
        return error


def at_fault(error):
    """What goes wrong while a message is taken apart is the message's fault, but for memory."""
    if isinstance(error, (BrokenMessage, MemoryError)):
        return error
    return BrokenMessage("a message that cannot be read: %s" % type(error).__name__)


def builtin_base(kind):
    return next(base for base in kind.__mro__ if id(base) in PURE_NAMES)


# Exceptions that the program defines, as classes of the judge's, so that tests can catch them.
REMOTE_CLASSES = {}


def remote_class(number, name, base):
    bases = (PURE_BUILTINS[base],)
    expect(issubclass(bases[0], BaseException))
    kind = type(name, bases, {})
    REMOTE_CLASSES[kind] = number
    return kind


def place(error):
    """Where in program or setup an exception was last, such as `program line 3`; else nothing."""
    found, frame = "", BaseException.__dict__["__traceback__"].__get__(error)
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if name in ("<program>", "<setup>"):
            found = "%s line %d" % (name[1:-1], frame.tb_lineno)
        frame = frame.tb_next
    return found


MUTABLE = {list, dict, set, bytearray, collections.deque}


def changed_arguments(parts):
    """Call arguments (target, positional, by name) that the called function may have changed in place."""
    _, positional, named = parts
    return [[place, value] for place, value in enumerate(positional) if type(value) in MUTABLE] + [
        [name, value] for name, value in named.items() if type(value) in MUTABLE
    ]


def write_back(parts, changed):
    """Gives our arguments the content that the other side left theirs with."""
    expect(type(changed) is list)
    if not changed:
        return
    expect(len(parts) == 3)
    for place, value in changed:
        ours = parts[1][place] if type(place) is int else parts[2][place]
        expect(type(ours) is type(value) and type(value) in MUTABLE)
        if type(ours) is dict:
            ours.clear()
            ours.update(value)
        elif type(ours) is set:
            ours.clear()
            ours |= value
        elif type(ours) is collections.deque:
            ours.clear()
            ours.extend(value)
        else:
            ours[:] = value


def number_of(handle):
    return object.__getattribute__(handle, "_Handle__number")


def peer_of(handle):
    return object.__getattribute__(handle, "_Handle__peer")


def name_of(handle):
    return object.__getattribute__(handle, "_Handle__name")


class Handle:
    """A value of the other side's that has no kind of its own. Two are equal if they are the same one;
    what it does, it does over there. It has no arithmetic and no order, or it could agree with
    whatever a test expects."""

    __slots__ = ("__peer", "__number", "__name")

    def __init__(self, peer, number, name):
        set_own = object.__setattr__
        set_own(self, "_Handle__peer", peer)
        set_own(self, "_Handle__number", number)
        set_own(self, "_Handle__name", name)

    def __call__(self, *positional, **named):
        return self.__peer.ask("call", self, positional, named)

    def __getattr__(self, name):
        return self.__peer.ask("attribute", self, name)

    def __setattr__(self, name, value):
        self.__peer.ask("set_attribute", self, name, value)

    def __len__(self):
        return self.__peer.ask("length", self)

    def __getitem__(self, key):
        return self.__peer.ask("item", self, key)

    def __setitem__(self, key, value):
        self.__peer.ask("set_item", self, key, value)

    def __iter__(self):
        return self.__peer.ask("iterate", self)

    def __next__(self):
        return self.__peer.ask("next", self)

    def __bool__(self):
        return self.__peer.ask("truth", self)

    def __str__(self):
        return self.__peer.ask("text", self)

    def __repr__(self):
        return self.__peer.ask("form", self)

    def __instancecheck__(self, value):
        return self.__peer.ask("instance", self, value)

    def __enter__(self):
        return self.__peer.ask("attribute", self, "__enter__")()

    def __exit__(self, kind, error, traceback):
        return self.__peer.ask("attribute", self, "__exit__")(None, None, None)

    def __deepcopy__(self, memo):
        raise TypeError("cannot copy a %s of the program's" % self.__name)

    __copy__ = __reduce_ex__ = __deepcopy__


WRITERS[Handle] = lambda encoder, value, depth: encoder.give(value)


def set_item(target, key, value):
    target[key] = value


def public_attributes(target):
    held = getattr(target, "__dict__", None)
    if type(held) is not dict:  # a class, or slots
        names = [name for name in getattr(type(target), "__slots__", ()) if hasattr(target, name)]
        held = {name: getattr(target, name) for name in names}
    return {name: value for name, value in held.items() if type(name) is str and name[:1] != "_"}


# What either side may ask of a value that it has a handle of.
OPERATIONS = {
    "call": lambda peer, target, positional, named: target(*positional, **named),
    "attribute": lambda peer, target, name: getattr(target, name),
    "set_attribute": lambda peer, target, name, value: setattr(target, name, value),
    "length": lambda peer, target: len(target),
    "item": lambda peer, target, key: target[key],
    "set_item": lambda peer, target, key, value: set_item(target, key, value),
    "iterate": lambda peer, target: iter(target),
    "next": lambda peer, target: next(target),
    "truth": lambda peer, target: bool(target),
    "text": lambda peer, target: str(target),
    "form": lambda peer, target: repr(target),
    "instance": lambda peer, target, value: isinstance(value, target),
    "iterates": lambda peer, target: hasattr(type(target), "__next__"),
    "attributes": lambda peer, target: public_attributes(target),
}


