"""The embedded benchmark: `python3 training/benchmark.py` writes data/*.jsonl.

Problems are drawn by family and level alone; which of them a model solves is never looked at.
"""

import json
import pathlib
import random
from dataclasses import replace

from glossary import glossary_problem
from holdout import HELD_OUT_FAMILIES, held_out
from inputs import EMPTY, arguments, call
from notes import NOTES
from problem import FUNCTION_NAMES
from prompts import prompt_text
from public import PUBLIC
from stream import BUILDERS, TICKETS

SEED = "benchmark"
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
# How many problems of each level, of each held-out family, and with a term.
PER_LEVEL = ((1, 16), (2, 26), (3, 26))
PER_HELD_OUT_FAMILY = 4
GLOSSARY_PER_LEVEL = ((1, 30), (2, 16), (3, 8))
N_GLOSSARY = sum(n for _, n in GLOSSARY_PER_LEVEL)
N_DISTRACTORS = 200
N_ASSERTS = 10
FAILURES = (ValueError, IndexError, ZeroDivisionError, TypeError)


def problems():
    """All benchmark problems with their tests: a list of (problem, asserts)."""
    rng = random.Random(SEED)
    chosen, seen = [], set()
    for level, n in PER_LEVEL:
        ordinary = lambda rng: BUILDERS[rng.choice(TICKETS)](rng)
        chosen += take(rng, ordinary, lambda p, level=level: p.level == level and held_out(p.keys[0]), n, seen)
    for family in HELD_OUT_FAMILIES:
        chosen += take(rng, BUILDERS[family], lambda p: p.level > 1, PER_HELD_OUT_FAMILY, seen)
    reserved = lambda rng: glossary_problem(rng, reserved=True)
    for level, n in GLOSSARY_PER_LEVEL:
        chosen += take(rng, reserved, lambda p, level=level: p.level == level and all(map(held_out, p.keys)), n, seen)
    return chosen


def take(rng, build, wanted, n, seen):
    """`n` wanted problems with telling tests, no composition, docstring or term twice."""
    result = []
    while len(result) < n:
        problem = build(rng)
        marks = {problem.keys[0], problem.doc, problem.term or problem.doc}
        if not wanted(problem) or marks & seen or PUBLIC & set(problem.keys):
            continue
        if "% 2 == " in problem.solution:  # "divisible by 2" would bring the body of a held-out "even" into training
            continue
        problem = replace(problem, name=rng.choice(FUNCTION_NAMES))
        asserts = tests(rng, problem)
        if asserts:
            seen |= marks
            result.append((problem, asserts))
    return result


def tests(rng, problem):
    """(arguments, result) pairs, the empty input first where it is defined; None if they tell too little."""
    inputs = []
    first = problem.params[0][1]
    if first in EMPTY:
        inputs.append([EMPTY[first]] + arguments(rng, problem)[1:])
    inputs += [arguments(rng, problem) for _ in range(N_ASSERTS - 1)]
    pairs, results = [], []
    for values in inputs:
        shown = ", ".join(repr(v) for v in values)
        try:
            result = call(problem, values)
        except FAILURES:
            continue
        if len(repr(result)) < 300 and not isinstance(result, complex):
            pairs.append((shown, repr(result)))
            results.append(repr(result))
    different = len(set(results))
    needed = 2 if set(results) <= {"True", "False"} else 5
    return pairs if different >= needed and len(pairs) >= 5 else None


def passages(chosen):
    """The store: what the terms mean, what other terms mean, and ordinary notes, in one shuffled order."""
    rng = random.Random(SEED + "/store")
    entries = [problem.passage for problem, _ in chosen if problem.passage]
    taken = {problem.term for problem, _ in chosen}
    while len(entries) < N_GLOSSARY + N_DISTRACTORS:
        other = glossary_problem(rng, reserved=True)
        if other.term not in taken:
            taken.add(other.term)
            entries.append(other.passage)
    entries += NOTES
    for i in range(len(entries) - 1, 0, -1):
        j = rng.randint(0, i)
        entries[i], entries[j] = entries[j], entries[i]
    return entries


def problem_row(index, problem, asserts, ids):
    """One line of data/problems.jsonl."""
    checks = "".join("    assert candidate(%s) == %s\n" % pair for pair in asserts)
    return {
        "task_id": "Tiny/%d" % index,
        "prompt": problem.prompt,
        "entry_point": problem.name,
        "canonical_solution": problem.solution,
        "test": "def check(candidate):\n" + checks,
        "family": problem.family,
        "level": problem.level,
        "term": problem.term,
        "passage_id": ids[problem.passage] if problem.passage else None,
    }


def prompt_rows(chosen, entries, ids):
    """Some prompts spelled out, to compare other implementations with."""
    plain, term = chosen[40][0], chosen[-1][0]
    note = entries[0]
    for technique in ("vanilla", "cad", "question", "cot"):
        yield {"task_id": "Tiny/40", "technique": technique, "text": prompt_text(technique, plain)}
    for technique in ("rag", "cad+rag"):
        yield {
            "task_id": "Tiny/40",
            "technique": technique,
            "text": prompt_text(technique, plain, note),
            "passage_id": ids[note],
        }
    for technique in ("rag", "cad+rag"):
        yield {
            "task_id": "Tiny/%d" % (len(chosen) - 1),
            "technique": technique,
            "text": prompt_text(technique, term, term.passage),
            "passage_id": ids[term.passage],
        }


def files():
    """{file name: text} of everything under data/."""
    chosen = problems()
    entries = passages(chosen)
    ids = {entry: "p%03d" % i for i, entry in enumerate(entries)}
    rows = {
        "problems.jsonl": [problem_row(i, p, asserts, ids) for i, (p, asserts) in enumerate(chosen)],
        "passages.jsonl": [{"id": ids[e], "title": e[0], "text": e[1]} for e in entries],
        "prompts.jsonl": list(prompt_rows(chosen, entries, ids)),
    }
    return {name: "".join(json.dumps(row) + "\n" for row in lines) for name, lines in rows.items()}


def main():
    """Writes the files."""
    DATA.mkdir(exist_ok=True)
    for name, text in files().items():
        (DATA / name).write_text(text)
        print("%s: %d lines" % (name, text.count("\n")))


if __name__ == "__main__":
    main()
