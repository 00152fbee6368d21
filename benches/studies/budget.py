"""What the answer of an arm costs: drafts, row-steps and weight passes, means over problems.

    python budget.py FILE..

FILE: a journal of `evaluate` or `reproduce`, of an arm with one sample a problem. A row-step is a token of
one sequence: a contrast has two of them. A weight pass is a step of the batch, so drafts of a wave take
as many as the longest of them. Drafts, tests and sketches that want nothing of one another count as one
wave. Beams and lookaheads that were given up count as passes of their own, though they shared some.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path


def main() -> None:
    """Prints one line for each file."""
    for path in map(Path, sys.argv[1:]):
        technique, tasks = read(path)
        steps = [sum(rows for *_, rows in drafts) for drafts in tasks.values()]
        passes = [in_waves(drafts) for drafts in tasks.values()]
        counts = [len(drafts) for drafts in tasks.values()]
        means = [sum(of) / len(tasks) for of in (counts, steps, passes)]
        print(f"{technique:60} {means[0]:5.2f} drafts {means[1]:6.0f} row-steps {means[2]:5.0f} passes")


def read(path: Path) -> tuple[str, dict[str, list[tuple[int, int, int]]]]:
    """The technique, and of each completion by problem the wave, tokens and rows that were computed."""
    lines = map(json.loads, path.read_text().splitlines())
    technique = next(lines)["run"]["technique"]
    name, selector = technique["name"], dict(technique["values"]).get("selector", "")
    wave = re.search(r"wave=(\d+),stop=(?!all)", selector)
    size = int(wave[1]) if wave else sys.maxsize
    tasks = defaultdict(list)
    for line in lines:
        if draft := line.get("draft"):
            cost = draft["cost"]
            tokens = cost["kept"] + cost["thrown_away"]
            # Where there are waves another role is a repair's, of the third wave at the earliest.
            wave = draft["index"] // size + (2 if draft["role"] and size < sys.maxsize else 0)
            tasks[draft["task_id"]].append((wave, tokens, cost["row_passes"]))
    return name, tasks


def in_waves(drafts: list[tuple[int, int, int]]) -> int:
    """The steps of waves one after the other."""
    longest = defaultdict(int)
    for wave, tokens, _ in drafts:
        longest[wave] = max(longest[wave], tokens)
    return sum(longest.values())


if __name__ == "__main__":
    main()
