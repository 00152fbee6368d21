"""Functions of this interpreter's standard library, and a broken copy of each.

Reads {"count": .., "seed": ..} and prints [[function, broken copy], ..]."""

import ast
import json
import pathlib
import random
import re
import sys
import sysconfig
import textwrap
import warnings

warnings.simplefilter("ignore")
TOKEN = re.compile(r"\w+|[^\w\s]|[ \t]+|\n")
INSERTED = """( ) [ ] { } : , ; . = == := -> ** * / @ ! \\ ' " ''' f' # ` $ if else for in not def return lambda
    yield await print pass try except finally with as class async None 0 1x \n \t""".split(" ")
PROSE = ["Here is the function:", "```", "This returns x.", "else:", "except ValueError:", "finally:", "@property", "print 'x'", "pass"]


def functions(path):
    """The source of each function of a module, dedented, where it parses by itself."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    lines = text.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
            source = textwrap.dedent("".join(lines[first - 1 : node.end_lineno]))
            if len(source) < 6000:
                try:
                    ast.parse(source)
                except SyntaxError:
                    continue
                yield source if source.endswith("\n") else source + "\n"


def broken(source, draw):
    """The source with one thing changed: a token, an indentation or a line."""
    lines = source.splitlines(keepends=True)
    at = draw.randrange(len(lines))
    kind = draw.randrange(8)
    if kind < 4:
        tokens = TOKEN.findall(source)
        at = draw.randrange(len(tokens))
        if kind == 0:
            del tokens[at]
        elif kind == 1:
            tokens.insert(at, draw.choice(INSERTED))
        elif kind == 2:
            tokens[at] = draw.choice(INSERTED)
        else:
            other = draw.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        return "".join(tokens)
    if kind == 4:
        lines[at] = draw.choice([" ", "    ", "\t", "  "]) + lines[at]
    elif kind == 5:
        lines[at] = lines[at][draw.choice([1, 2, 4]) :]
    elif kind == 6:
        del lines[at]
    else:
        margin = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at, margin + draw.choice(PROSE) + "\n")
    return "".join(lines)


asked = json.load(sys.stdin)
draw = random.Random(asked["seed"])
paths = sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).rglob("*.py"))
paths = [path for path in paths if "site-packages" not in path.parts and "lib2to3" not in path.parts]
draw.shuffle(paths)
found = []
for path in paths:
    if len(found) >= asked["count"]:
        break
    found += [[source, broken(source, draw).rstrip("\n") + "\n"] for source in functions(path)]
json.dump(found[: asked["count"]], sys.stdout)
