"""Mutants of the canonical solutions of HumanEval and MBPP, with the verdict of plain execution.

    python make.py PATH [--sample N]

Writes JSON lines to PATH: the task and what was changed, the program and its tests, and whether all runs
to its end when program, setup and asserts are executed in one module (`passed`). The same data and the
same Python give the same mutants. INFER_CODE_CAD_DATA names the directory with HumanEval.jsonl.gz and
mbpp.jsonl; without it, `../shared/data` beside the repository is read. Python 3.9 or newer.

These mutants are machine-made and harmless, but some never end: each runs in a fork with limits.
"""

import argparse
import ast
import copy
import gzip
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import zlib
from pathlib import Path

CPU_SECONDS = 2
MEMORY_BYTES = 1 << 30
# Between this and the limit a verdict depends on the machine's mood: such mutants are left out.
CLEAR_SECONDS = 0.7
PASSED = 77
# Its canonical solution takes longer than the limit.
SLOW = {"MBPP/123"}
# As in the sandbox: the order of a set of strings depends on it.
HASH_SEED = "0"

COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.FloorDiv, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitXor: ast.BitOr, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip

# What a function's result is turned into. Each is the body of `_turned(value)`.
RETURNS = {
    "swapped container": """
    other = {list: tuple, tuple: list, set: list, dict: list, str: list}
    return other.get(type(value), _same)(value)""",
    "swapped number": "return {int: float, float: int, bool: int, complex: abs}.get(type(value), _same)(value)",
    "text": "return str(value)",
    "number from text": "return int(value) if isinstance(value, (str, float)) else value",
    "set": "return set(value) if isinstance(value, _row) else value",
    "sorted set as a list": "return list(set(value)) if isinstance(value, _row) else value",
    "none": "return None",
    "truth": "return bool(value)",
    "iterator": "return iter(value) if isinstance(value, (*_row, set, dict, str)) else value",
    "generator": "return (item for item in value) if isinstance(value, (*_row, set, str)) else value",
    "map": "return map(_same, value) if isinstance(value, _row) else value",
    "dict view": """
    if isinstance(value, dict):
        return value.keys()
    return dict.fromkeys(value).keys() if isinstance(value, _row) else value""",
    "dict items": "return value.items() if isinstance(value, dict) else value",
    "subclass": "return _subclass(value)",
    "subclass inside": """
    if isinstance(value, (*_row, set)):
        return type(value)(map(_subclass, value))
    return _subclass(value)""",
    "decimal": "import decimal; return decimal.Decimal(value) if isinstance(value, (int, float)) else value",
    "fraction": "import fractions; return fractions.Fraction(value) if type(value) is int else value",
    "deque": "import collections; return collections.deque(value) if isinstance(value, list) else value",
    "frozen": """
    if isinstance(value, set):
        return frozenset(value)
    return tuple(value) if isinstance(value, list) else value""",
    "in a list": "return [value]",
    "bytes": "return value.encode() if isinstance(value, str) else value",
    "complex": "return complex(value) if isinstance(value, (int, float)) else value",
    "ordered dict": "import collections; return collections.OrderedDict(value) if type(value) is dict else value",
    "defaultdict": "import collections; return collections.defaultdict(int, value) if type(value) is dict else value",
    "range or slice": """
    if type(value) is int and 0 <= value < 100:
        return range(value)
    return value[:-1] if isinstance(value, (list, str)) else value""",
}

TURN = '''

_row = (list, tuple)

def _same(value):
    return value

def _subclass(value):
    kind = type(value)
    if kind in (int, float, str, list, tuple, dict, set, frozenset, bytes):
        return type("Own" + kind.__name__, (kind,), {{}})(value)
    return value

def _turned(value):
    {body}

def _turning(function):
    def turning(*args, **named):
        return _turned(function(*args, **named))
    return turning

{name} = _turning({name})
'''


def main():
    """Makes, runs and writes the mutants."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--sample", type=int, help="so many, spread over all")
    args = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        environment = os.environ | {"PYTHONHASHSEED": HASH_SEED}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    mutants = [mutant for task in human_eval() + mbpp() for mutant in mutants_of(task)]
    if args.sample:
        mutants = mutants[:: max(1, len(mutants) // args.sample)][: args.sample]
    with multiprocessing.Pool() as pool, args.path.open("w") as file:
        written = 0
        for mutant, seconds, passed in pool.imap(run, mutants, chunksize=8):
            if not passed and CLEAR_SECONDS < seconds < CPU_SECONDS or passed and seconds > CLEAR_SECONDS:
                print(f"left out, {seconds:.1f} s: {mutant['task']}, {mutant['change']}", file=sys.stderr)
                continue
            file.write(json.dumps(mutant | {"passed": passed}) + "\n")
            written += 1
    print(f"{written} mutants", file=sys.stderr)


def data(name):
    """A file of the data directory."""
    beside = Path(__file__).resolve().parents[5] / "shared" / "data"
    return Path(os.environ.get("INFER_CODE_CAD_DATA", beside)) / name


def human_eval():
    """HumanEval's tasks."""
    with gzip.open(data("HumanEval.jsonl.gz"), "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        {
            "task": row["task_id"],
            "program": row["prompt"] + row["canonical_solution"],
            # What the prompt has before the function to write, imports and other functions.
            "helpers": re.split(rf"^def {row['entry_point']}\b", row["prompt"], flags=re.M)[0],
            "setup": "",
            "asserts": f"{row['test']}\ncheck({row['entry_point']})",
            "entry": row["entry_point"],
        }
        for row in rows
    ]


def mbpp():
    """MBPP's tasks."""
    with open(data("mbpp.jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    tasks = []
    for row in rows:
        if f"MBPP/{row['task_id']}" in SLOW:
            continue
        asserts = "\n".join(row["test_list"])
        defined = {node.name for node in ast.parse(row["code"]).body if hasattr(node, "name")}
        called = [name for name in re.findall(r"\b(\w+)\(", asserts) if name in defined]
        if called:
            task = {"task": f"MBPP/{row['task_id']}", "program": row["code"], "helpers": ""}
            task |= {"setup": row["test_setup_code"], "asserts": asserts, "entry": called[0]}
            tasks.append(task)
    return tasks


def mutants_of(task):
    """One mutant of each kind that fits, and two of what the function returns."""
    number = zlib.crc32(task["task"].encode())
    tree = ast.parse(task["program"])
    for kind, change in (("compare", compared), ("arithmetic", reckoned), ("constant", constant)):
        places = [place for place, node in enumerate(mutable(tree, task)) if change(copy.deepcopy(node))]
        if places:
            changed = copy.deepcopy(tree)
            said = change(list(mutable(changed, task))[places[number % len(places)]])
            yield mutant(task, f"{kind}: {said}", ast.unparse(ast.fix_missing_locations(changed)))
    names = list(RETURNS)
    for turn in (number, number // 7 + 11):
        name = names[turn % len(names)]
        turned = TURN.format(body=RETURNS[name], name=task["entry"])
        yield mutant(task, f"returns: {name}", task["program"] + turned)


def mutant(task, change, program):
    """The task with another program."""
    return task | {"change": change, "program": program}


def mutable(tree, task):
    """The nodes that may be changed: all but what a HumanEval prompt defines beside the function."""
    for statement in tree.body:
        if task["helpers"] and getattr(statement, "name", "") != task["entry"]:
            continue
        yield from ast.walk(statement)


def compared(node):
    """Changes a comparison."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARE:
        was = type(node.ops[0])
        node.ops[0] = COMPARE[was]()
        return f"{was.__name__} to {COMPARE[was].__name__}"
    return ""


def reckoned(node):
    """Changes an arithmetic operator."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        was = type(node.op)
        node.op = ARITHMETIC[was]()
        return f"{was.__name__} to {ARITHMETIC[was].__name__}"
    return ""


def constant(node):
    """Changes a constant; docstrings are left alone, for they change nothing."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, str) and len(node.value) > 40:
        return ""
    was = node.value
    if isinstance(was, bool):
        node.value = not was
    elif isinstance(was, (int, float)):
        node.value = was + 1
    elif isinstance(was, str):
        node.value = was + "x"
    else:
        return ""
    return f"{was!r} to {node.value!r}"


def run(mutant):
    """Executes all in one module: the mutant, the seconds it took, and whether it came to its end."""
    with tempfile.TemporaryDirectory() as directory:
        process = os.fork()
        if process == 0:
            in_the_fork(mutant, directory)
        _, status, usage = os.wait4(process, 0)
    passed = os.WIFEXITED(status) and os.WEXITSTATUS(status) == PASSED
    return mutant, usage.ru_utime + usage.ru_stime, passed


def in_the_fork(mutant, directory):
    """Ends this process with PASSED, or otherwise."""
    try:
        os.setsid()
        os.chdir(directory)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 15 * CPU_SECONDS)
        module = {"__name__": "__main__"}
        for part in ("program", "setup", "asserts"):
            exec(compile(mutant[part], part, "exec"), module)
        os._exit(PASSED)
    except BaseException:
        os._exit(1)


if __name__ == "__main__":
    main()
