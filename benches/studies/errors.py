"""How the programs of an arm fail beside those of its control: shares in percent, differences with the paired
bootstrap interval of 95 % over problems.

    python errors.py --control FILE.. --arm FILE..      (numpy)

FILE: `*.results.jsonl` of `evaluate` or `reproduce`; several seeds and benchmarks count together.
"""

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

EXCEPTION = re.compile(r"(\w+(?:Error|Exception|Iteration|Interrupt|Exit))(?::|$)")
KINDS = {"AssertionError": "wrong answer", "NameError": "unknown name"}
KINDS |= dict.fromkeys(["ImportError", "ModuleNotFoundError"], "unknown module")
CLASSES = ["passed", "syntax", "unknown name", "unknown module", "other exception", "wrong answer"]


def main() -> None:
    """Prints one line for each class."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", type=Path, nargs="+", required=True)
    parser.add_argument("--arm", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    control, arm = classes(args.control), classes(args.arm)
    if control.keys() != arm.keys():
        parser.error(f"the problems differ: {sorted(control.keys() ^ arm.keys())[:5]}")
    draws = np.random.default_rng(0).integers(0, len(arm), (5000, len(arm)))
    for name in CLASSES:
        before, after = (np.array([share(of[task], name) for task in arm]) for of in (control, arm))
        low, high = np.percentile((after - before)[draws].mean(1), [2.5, 97.5])
        change = f"{after.mean() - before.mean():+5.1f} [{low:+.1f}, {high:+.1f}]"
        print(f"{name:16} {before.mean():5.1f} -> {after.mean():5.1f}   {change}")


def classes(paths: list[Path]) -> dict[str, list[str]]:
    """The class of each sample, by problem."""
    found = defaultdict(list)
    for path in paths:
        for line in path.read_text().splitlines()[1:]:
            sample = json.loads(line)
            found[sample["task_id"]].append(kind(sample["verdict"], sample.get("reason") or ""))
    return found


def kind(verdict: str, reason: str) -> str:
    """One of `CLASSES`, or a verdict that is none of them."""
    if verdict == "syntax error":
        return "syntax"
    if verdict != "failed":
        return verdict
    raised = EXCEPTION.search(reason)
    return KINDS.get(raised[1], "other exception") if raised else "wrong answer"


def share(samples: list[str], name: str) -> float:
    """Percent of the samples."""
    return 100 * samples.count(name) / len(samples)


if __name__ == "__main__":
    main()
