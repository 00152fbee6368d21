"""What the workers share: their flags, prompts in, texts out."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def flags(description: str | None) -> argparse.ArgumentParser:
    """A parser of the flags every worker takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--prompts", required=True, type=Path, help="lines of task_id, prompt")
    parser.add_argument("--out", required=True, type=Path, help="lines of task_id, text, counts")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def read(path: Path) -> list[Row]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(path: Path, rows: list[Row]) -> None:
    """Writes a file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def text(task_id: str, text: str, prompt_tokens: int, tokens: int) -> Row:
    """One completion. `tokens` counts the one that ended it."""
    return {"task_id": task_id, "text": text, "prompt_tokens": prompt_tokens, "tokens": tokens}


def report(version: str, load: float, generate: float) -> None:
    """Prints the object of a worker, seconds since its start."""
    print(json.dumps({"version": version, "load_seconds": load, "generate_seconds": generate}))
