"""Programs cut out of drafts, beside those of EvalPlus' sanitizer.

    pip install evalplus --no-deps      (0.3.1)
    pip install tree_sitter tree_sitter_python tqdm termcolor
    python evalplus.py RESULTS [ENTRIES] [--show KIND]

RESULTS is a file that `evaluate` wrote: its lines {"draft": {task_id, index, text, program}} are read.
ENTRIES is a JSON object of entry points by task; without it an entry point is the first function
that the program defines. Prints how many drafts are of which kind; --show prints the drafts whose
kind has KIND in its name. Functions are equal when their syntax trees are, docstrings aside.
"""

import argparse
import ast
import json
import re
import sys
import types
from collections import Counter
from pathlib import Path

# This file has the package's name, and the package wants benchmarks downloaded: the sanitizer needs none.
sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
data = types.ModuleType("evalplus.data")
for name in ("get_human_eval_plus", "get_mbpp_plus", "load_solutions", "write_directory", "write_jsonl"):
    setattr(data, name, None)
sys.modules["evalplus.data"] = data

from evalplus.sanitize import sanitize  # noqa: E402

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(program):
    """The syntax tree without docstrings; None where Python does not parse the program."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def definitions(tree, entry):
    """What gives the entry point its meaning, in order, as text."""

    def gives(node):
        targets = node.targets if isinstance(node, ast.Assign) else [node]
        return any(entry in (getattr(t, "name", None), getattr(t, "id", None)) for t in targets)

    return [ast.dump(node) for node in tree.body if gives(node)] if tree else []


def kind(ours, theirs, entry):
    """How the two programs differ."""
    ours, theirs = parsed(ours), parsed(theirs)
    mine, other = definitions(ours, entry), definitions(theirs, entry)
    if mine and other:
        if mine[-1] != other[-1]:
            return "both have the entry point: another one"
        bodies = [{ast.dump(node) for node in tree.body} for tree in (ours, theirs)]
        several = " of several" if len(mine) > 1 else ""
        more = ", EvalPlus has more beside it" if bodies[1] - bodies[0] else ""
        return f"both have the entry point: the same one{several}{more}"
    if mine or other:
        who, tree = ("ours", theirs) if mine else ("EvalPlus'", ours)
        return f"only {who} has the entry point, the other " + ("lacks it" if tree else "does not parse")
    if ours and theirs:
        return "both parse, neither has the entry point"
    if ours or theirs:
        return "only " + ("ours" if ours else "EvalPlus'") + " parses, without the entry point"
    return "neither parses"


def drafts(path):
    """The drafts of a result file."""
    with open(path, encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines if line.startswith('{"draft"'))
        yield from (row["draft"] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("results")
    parser.add_argument("entries", nargs="?")
    parser.add_argument("--show", metavar="KIND")
    options = parser.parse_args()
    entries = json.loads(Path(options.entries).read_text()) if options.entries else {}
    counts = Counter()
    for draft in drafts(options.results):
        first = re.search(r"^def (\w+)", draft["program"], re.MULTILINE)
        entry = entries.get(draft["task_id"]) or (first and first.group(1)) or ""
        theirs = sanitize(draft["text"], entry)
        found = kind(draft["program"], theirs, entry)
        counts[found] += 1
        if options.show and options.show in found:
            print(f"===== {draft['task_id']} {draft['index']}: {found}\n{draft['text']}")
            print(f"----- ours\n{draft['program']}\n----- EvalPlus\n{theirs}")
    for found, count in counts.most_common():
        print(f"{count:6} {found}")


if __name__ == "__main__":
    main()
