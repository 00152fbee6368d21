"""Compares this engine with its peers in one interleaved run and prints Markdown.

Every repeat runs all sides in turn, each in a fresh process that loads, warms up and measures. A
figure is the median over repeats. A ratio is the median of the ratios within each repeat, so that
what else the machine does meets both sides; above 1 this engine is the faster one.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import measure
from machine import machine
from sides import OURS, PEERS, Side, sides

Runs = dict[str, list[measure.Report | None]]  # by side, one per repeat; None where it failed
Figure = Callable[[measure.Report], float | None]


def main() -> None:
    """Measures every format and prints its table."""
    args = flags()
    results: dict[str, Runs] = {}
    print(f"{machine()}, {args.threads} threads, {args.repeats} repeats\n")
    for weights in args.formats:
        found = sides(args, weights)
        results[weights] = interleave(found, args.repeats)
        print("\n".join(table(weights, found, results[weights])), flush=True)
        if args.out:
            args.out.write_text(json.dumps(results, indent=1))


def flags() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True, type=Path, help="what make_models.py wrote")
    parser.add_argument("--formats", type=measure.words, default=["q8_0", "q4_0", "q4_k_m", "bf16"])
    parser.add_argument("--peers", type=measure.words, default=PEERS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--prefill-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--samples", type=measure.numbers, default=[1, 2, 4, 8, 10, 20])
    parser.add_argument("--modes", type=measure.words, default=["vanilla", "cad"])
    parser.add_argument("--sampler", choices=["greedy", "nucleus"], default="greedy")
    for peer in ("llama", "transformers", "openvino"):
        parser.add_argument(f"--{peer}-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--roofline", type=Path, metavar="FILE.c")
    parser.add_argument("--out", type=Path, help="all figures, as JSON")
    args = parser.parse_args()
    if unknown := set(args.peers) - set(PEERS):
        parser.error(f"no peers {sorted(unknown)}; there are {PEERS}")
    return args


def interleave(found: list[Side], repeats: int) -> Runs:
    """Runs all sides in turn, `repeats` times."""
    runs: Runs = defaultdict(list)
    for repeat in range(repeats):
        for side in found:
            print(f"repeat {repeat + 1}: {side.name}", file=sys.stderr)
            try:
                runs[side.name].append(side.run())
            except (subprocess.CalledProcessError, OSError) as error:
                text = getattr(error, "stderr", None) or str(error)
                print(f"{side.name} failed: {text[-2000:]}", file=sys.stderr)
                runs[side.name].append(None)
    return runs


def table(weights: str, found: list[Side], runs: Runs) -> list[str]:
    """Figures and ratios of one format, then versions and commands."""
    names = [side.name for side in found]
    lines = [f"## {weights}", "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    ours: measure.Report = next((run for run in runs[OURS] if run), {"decode": []})
    for step in ours["decode"]:
        key = (step["mode"], step["samples"])
        label = f"{key[0]}, {key[1]} samples ({step['rows']} rows), ms per step"
        lines.append(row(label, names, runs, entry(*key), "{:.1f}"))
    lines.append(
        row("prefill, seconds", names, runs, lambda run: run["prefill"]["seconds"], "{:.2f}")
    )
    for n in sorted({step["samples"] for step in ours["decode"] if step["mode"] == "cad"}):
        cells = [cell(values(runs[name], cad_speed(n)), "{:.2f}") for name in names]
        lines.append(f"| speed of cad over vanilla, {n} samples | " + " | ".join(cells) + " |")
    peaks = [peak(side, runs[side.name]) for side in found]
    lines.append("| peak resident bytes over the weight files' | " + " | ".join(peaks) + " |")
    lines.append("")
    for side in found:
        version = next(
            (run.get("version", "of this commit") for run in runs[side.name] if run), "failed"
        )
        lines.append(f"* {side.name} {version}: `{shlex.join(side.command)}`")
    return [*lines, ""]


def row(label: str, names: list[str], runs: Runs, figure: Figure, form: str) -> str:
    """One line: the median of every side, and how many times ours it is."""
    ours = values(runs[OURS], figure)
    cells = []
    for name in names:
        theirs = values(runs[name], figure)
        text = cell(theirs, form)
        pairs = [b / a for a, b in zip(ours, theirs, strict=True) if a and b]
        if pairs and name != OURS:
            text += f" ({statistics.median(pairs):.2f}x)"
        cells.append(text)
    return f"| {label} | " + " | ".join(cells) + " |"


def values(runs: list[measure.Report | None], figure: Figure) -> list[float | None]:
    """The figure of every repeat; None where the side has none."""

    def of(run: measure.Report | None) -> float | None:
        try:
            return figure(run) if run else None
        except KeyError:
            return None

    return [of(run) for run in runs]


def cell(figures: list[float | None], form: str) -> str:
    """The median, or a dash."""
    present = [figure for figure in figures if figure is not None]
    return form.format(statistics.median(present)) if present else "-"


def entry(mode: str, samples: int) -> Figure:
    """Milliseconds per step of a mode and number of samples."""

    def step_ms(run: measure.Report) -> float | None:
        steps = [s for s in run["decode"] if (s["mode"], s["samples"]) == (mode, samples)]
        return steps[0]["step_ms"] if steps else None

    return step_ms


def cad_speed(samples: int) -> Figure:
    """Speed of CAD as a share of vanilla's, within one process."""

    def share(run: measure.Report) -> float | None:
        vanilla, cad = entry("vanilla", samples)(run), entry("cad", samples)(run)
        return vanilla / cad if vanilla and cad else None

    return share


def peak(side: Side, runs: list[measure.Report | None]) -> str:
    """Peak resident memory, keys and values included, over the size of the weight files."""
    size = measure.weight_bytes(side.model)
    return cell(values(runs, lambda run: run["bytes"]["peak"] / size), "{:.2f}")


if __name__ == "__main__":
    main()
