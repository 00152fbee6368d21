"""Writes texts by llama.cpp's `llama-server`: one request per problem to `/completion`, all slots kept busy."""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import workload

BEGAN = time.perf_counter()


def main() -> None:
    """Starts the server, asks for all texts and prints one JSON object."""
    parser = workload.flags(__doc__)
    parser.add_argument("--server", default="llama-server", help="the program")
    parser.add_argument("--slots", type=int, default=40, help="texts written at a time")
    parser.add_argument("--slot-tokens", type=int, default=1024, help="prompt and text of a slot")
    parser.add_argument("--one-by-one", action="store_true", help="a request per text")
    parser.add_argument("--server-flags", type=str.split, default=["--flash-attn", "off"])
    args = parser.parse_args()
    prompts = workload.read(args.prompts)
    with server(args) as address:
        loaded = time.perf_counter() - BEGAN
        texts = completions(address, prompts, args)
        version = fetched(f"{address}/props")["build_info"]
    workload.write(args.out, texts)
    how = "a request per text" if args.one_by_one else "a request per problem"
    flags = " ".join(args.server_flags)
    version = f"llama.cpp {version} of {args.model.name}, {args.slots} slots, {how}, {flags}"
    workload.report(version, loaded, time.perf_counter() - BEGAN - loaded)


@contextlib.contextmanager
def server(args: argparse.Namespace) -> Iterator[str]:
    """The address of a server that is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [args.server, "--model", args.model, "--port", port, "--host", "127.0.0.1"]
    command += ["--threads", args.threads, "--threads-batch", args.threads]
    command += ["--parallel", args.slots, "--ctx-size", args.slots * args.slot_tokens]
    words = [str(word) for word in [*command, *args.server_flags]]
    running = subprocess.Popen(words, stdout=sys.stderr)
    try:
        address = f"http://127.0.0.1:{port}"
        while True:
            if running.poll() is not None:
                sys.exit(f"{args.server} ended with {running.returncode}")
            with contextlib.suppress(OSError):
                fetched(f"{address}/health")
                break
            time.sleep(0.05)
        yield address
    finally:
        running.terminate()
        running.wait()


def completions(
    address: str, prompts: list[workload.Row], args: argparse.Namespace
) -> list[workload.Row]:
    """All texts; the server queues what has no slot yet."""
    each = 1 if args.one_by_one else args.samples
    requests = [
        (row["task_id"], row["prompt"], args.seed + at * args.samples + sample)
        for at, row in enumerate(prompts)
        for sample in range(0, args.samples, each)
    ]

    def ask(request: tuple[str, str, int]) -> list[workload.Row]:
        task_id, prompt, seed = request
        body = {
            "prompt": prompt,
            "n_cmpl": each,
            "n_predict": args.max_new_tokens,
            "samplers": ["temperature", "top_p"],
            "temperature": args.temperature,
            "top_p": args.top_p,
            "seed": seed,
        }
        answer = fetched(f"{address}/completion", body)
        answers = answer if isinstance(answer, list) else [answer]
        return [
            workload.text(task_id, one["content"], one["tokens_evaluated"], one["tokens_predicted"])
            for one in answers
        ]

    with ThreadPoolExecutor(max_workers=args.slots) as pool:
        return [text for texts in pool.map(ask, requests) for text in texts]


def fetched(url: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON of an answer."""
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
