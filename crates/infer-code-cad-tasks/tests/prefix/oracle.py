"""What CPython says of the beginnings of texts: whether anything that follows makes them parse.

Reads [beginning, ..] and prints, for each, true, false, or null where this interpreter cannot tell. A beginning can
go on where it, or it with one of a few endings, parses, and where the parser says that its input is incomplete
(a flag that `codeop` uses, from Python 3.11). Two parameters or keyword arguments of one name, which only the
compiler refuses, count as not parsing. In an open bracket that says nothing of f-strings, which Python 3.11
reads only once the statement is whole."""

import ast
import io
import json
import re
import sys
import tokenize
import warnings

warnings.simplefilter("ignore")
INCOMPLETE = 0x4000 if sys.version_info >= (3, 11) else None
CLOSERS = ["", ")", "]", "}", "'''", '"""', "x", "except: pass", "finally: pass", "def f(): pass", "pass", "case _: pass"]


def repeats(tree):
    """Whether a function has two parameters of a name, or a call two keyword arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            found = [*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg]
        else:
            found = getattr(node, "keywords", [])
        names = [item.arg for item in found if item and item.arg]
        if len(names) > len(set(names)):
            return True
    return False


class Repeats(Exception):
    """What stands there is refused whatever follows."""


def parses(text, flags=0):
    try:
        tree = compile(text, "text", "exec", ast.PyCF_ONLY_AST | flags)
    except SyntaxError as error:
        return error.msg == "incomplete input"
    except (ValueError, RecursionError, MemoryError):
        return False
    if repeats(tree):
        raise Repeats
    return True


def margins(text):
    """The indentations of the lines, and one more than the last."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [line[: len(line) - len(line.lstrip())] for line in lines]
    return list(dict.fromkeys(["", *found, (found[-1] if found else "") + "    "]))


def is_bracketed(text):
    """Whether the text ends within brackets."""
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
    except (tokenize.TokenError, SyntaxError):
        pass
    return depth > 0


def goes_on(text):
    try:
        return goes_on_by_grammar(text)
    except Repeats:
        return False


def goes_on_by_grammar(text):
    if parses(text) or any(parses(text + margin + closer + "\n") for margin in margins(text) for closer in CLOSERS):
        return True
    if INCOMPLETE is None:
        return None
    goes_on = parses(text, INCOMPLETE)
    return None if goes_on and re.search("[fF][rR]?['\"]", text) and is_bracketed(text) else goes_on


json.dump([goes_on(text) for text in json.load(sys.stdin)], sys.stdout)
