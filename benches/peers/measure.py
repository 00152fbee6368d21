"""What the workers share: their flags, the prompt, a clock per decode step, and the JSON printed.

The JSON is that of this repository's own `throughput --json`, as far as a peer has the figure.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def flags(description: str | None) -> argparse.ArgumentParser:
    """A parser of the flags every worker takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--prefill-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--samples", type=numbers, default=numbers("1,2,4,8,10,20"))
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["vanilla", "cad"])
    parser.add_argument("--sampler", choices=["greedy", "nucleus"], default="greedy")
    return parser


def numbers(text: str) -> list[int]:
    """`1,2,4` as a list."""
    return [int(number) for number in text.split(",")]


def prompt(n_tokens: int, first: int = 1000) -> list[int]:
    """Ordinary token ids, none twice; another `first` makes another prompt."""
    return [first + 7 * i for i in range(n_tokens)]


@contextmanager
def stopwatch(seconds: list[float]) -> Iterator[None]:
    """Appends the wall time of the body."""
    began = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - began)


def timed(body: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    seconds: list[float] = []
    with stopwatch(seconds):
        body()
    return seconds[0]


def prefill(n_tokens: int, seconds: float) -> Report:
    """The entry `prefill`."""
    return {"tokens": n_tokens, "seconds": seconds, "tokens_per_second": n_tokens / seconds}


def decode(mode: str, samples: int, steps: list[float]) -> Report:
    """One entry of `decode`, of the seconds each step took. A rate counts tokens that are kept."""
    seconds = statistics.median(steps)
    return {
        "mode": mode,
        "samples": samples,
        "rows": samples * (2 if mode == "cad" else 1),
        "step_ms": seconds * 1e3,
        "tokens_per_second": samples / seconds,
    }


def weight_bytes(model: Path) -> int:
    """Size of a weight file, or of all in a directory."""
    files = [model] if model.is_file() else model.iterdir()
    weights = [file for file in files if file.suffix in {".gguf", ".safetensors", ".bin"}]
    return sum(file.stat().st_size for file in weights)


def memory() -> Report:
    """Bytes resident at the peak and now."""
    status = Path("/proc/self/status").read_text().splitlines()
    sizes = {line.split(":")[0]: line.split()[1] for line in status if line.startswith("Vm")}
    return {"peak": int(sizes["VmHWM"]) * 1024, "resident": int(sizes["VmRSS"]) * 1024}


def report(args: argparse.Namespace, version: str, figures: Report) -> None:
    """Prints the object."""
    head = {"model": str(args.model), "version": version, "threads": args.threads}
    tail = {"sampler": args.sampler, "bytes": {"weights": weight_bytes(args.model)} | memory()}
    print(json.dumps(head | figures | tail))
