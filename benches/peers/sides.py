"""How to run each side of the comparison: a fresh process that prints one JSON object."""

import json
import os
import re
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS = "infer-code-cad"
PEERS = ["llama.cpp", "candle", "transformers", "openvino", "roofline"]
# Of our formats: torch's names, what comes nearest in OpenVINO.
TRANSFORMERS = {"bf16": "bfloat16", "f32": "float32"}
OPENVINO = {"q8_0": "int8", "q4_0": "int4", "q4_k_m": "int4"}


@dataclass(frozen=True)
class Side:
    """One program on one file."""

    name: str
    command: list[str]
    model: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self) -> measure.Report:
        """What the program prints; raises CalledProcessError when it fails."""
        environment = os.environ | self.environment
        done = subprocess.run(
            self.command, env=environment, check=True, capture_output=True, text=True
        )
        if self.name == "roofline":
            return roofline_report(done.stdout)
        return json.loads(done.stdout.strip().splitlines()[-1])


def sides(args: Namespace, weights: str) -> list[Side]:
    """Ours first, then the peers asked for that have something like the format."""
    checkpoint, gguf = args.models / "checkpoint", args.models / f"llama1b-{weights}.gguf"
    ours = [build("build", "--release", "--example", "throughput"), "--json", "--repeats", "1"]
    if weights == "f32":
        ours += ["--weights", weights, *workload(args, checkpoint)]
        found = [Side(OURS, ours, checkpoint)]
    else:
        found = [Side(OURS, ours + workload(args, gguf), gguf)]
    if "llama.cpp" in args.peers and weights != "f32":
        command = [args.llama_python, str(HERE / "llama_cpp_worker.py"), *workload(args, gguf)]
        found.append(Side("llama.cpp", [*command, "--sampler", args.sampler], gguf))
    if "candle" in args.peers and weights not in TRANSFORMERS:
        program = build("bench", "-p", "infer-code-cad-benches", "--bench", "candle", "--no-run")
        command = [program, *workload(args, gguf, modes=["vanilla"])]
        threads = {"RAYON_NUM_THREADS": str(args.threads)}
        found.append(Side("candle", command, gguf, threads))
    if "transformers" in args.peers and weights in TRANSFORMERS:
        command = [args.transformers_python, str(HERE / "transformers_worker.py")]
        command += [*workload(args, checkpoint, samples=[1]), "--sampler", args.sampler]
        command += ["--dtype", TRANSFORMERS[weights]]
        found.append(Side("transformers", command, checkpoint))
    if "openvino" in args.peers and weights in OPENVINO:
        model = args.models / f"openvino-{OPENVINO[weights]}"
        command = [args.openvino_python, str(HERE / "openvino_worker.py")]
        command += [*workload(args, model, modes=["vanilla"]), "--sampler", args.sampler]
        found.append(Side("openvino", command, model))
    if args.roofline and weights != "f32":
        rows = [1] if weights == "bf16" else args.samples  # its products are of integers
        command = [compiled(args.roofline), str(gguf), str(args.threads), "6"]
        command.append(",".join(map(str, rows)))
        found.append(Side("roofline", command, gguf))
    return found


def workload(
    args: Namespace,
    model: Path,
    modes: list[str] | None = None,
    samples: list[int] | None = None,
) -> list[str]:
    """The flags that all programs share."""
    counts = ",".join(map(str, samples or args.samples))
    flags = {
        "--model": model,
        "--threads": args.threads,
        "--prompt-tokens": args.prompt_tokens,
        "--prefill-tokens": args.prefill_tokens,
        "--new-tokens": args.new_tokens,
        "--samples": counts,
        "--modes": ",".join(modes or args.modes),
    }
    return [word for flag, value in flags.items() for word in (flag, str(value))]


def build(*arguments: str) -> str:
    """Lets cargo build one program and returns its path."""
    command = ["cargo", *arguments, "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return [path for message in messages if (path := message.get("executable"))][-1]


def compiled(source: Path) -> str:
    """The roofline program, compiled for this machine."""
    program = str(ROOT / "target" / "roofline")
    Path(program).parent.mkdir(exist_ok=True)
    options = ["-O3", "-march=native", "-pthread", "-o", program]
    subprocess.run(["gcc", str(source), *options, "-lm"], check=True)
    return program


def roofline_report(text: str) -> measure.Report:
    """Lines like `B= 1: min 43.0 ms med 44.1 ms` as entries of `decode`."""
    lines = re.findall(r"B=\s*(\d+):.*?med\s+([\d.]+)", text)
    steps = [measure.decode("vanilla", int(rows), [float(ms) / 1e3]) for rows, ms in lines]
    if not steps:
        sys.exit(f"the roofline program printed no line `B= 1: .. med ..`: {text[:200]}")
    return {"version": "weight pass only", "decode": steps}
