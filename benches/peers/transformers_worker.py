"""Times PyTorch and transformers' `generate` on a checkpoint; CAD is its `guidance_scale`.

With a `guidance_scale` of 1.5 the log-probabilities are mixed as `1.5 a - 0.5 b`: CAD with an alpha
of 0.5. The prompt without the context is read, and decoded, by forward passes of its own.
"""

import argparse
import time
from typing import Any

import torch
import transformers
from transformers.generation.streamers import BaseStreamer

import measure

SAMPLERS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "nucleus": {"do_sample": True, "temperature": 0.8, "top_p": 0.9, "top_k": 0},
}


class Clock(BaseStreamer):
    """Notes when `generate` hands over the prompt and then each token."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        """Notes the time."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Has nothing to flush."""

    def seconds(self) -> list[float]:
        """Of the first token, prefill included, then of every further one."""
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


def generate(model: Any, rows: int, n_prompt: int, new: int, **options: Any) -> list[float]:
    """Seconds of the first token and of the `new` that follow it."""
    ids = torch.tensor([measure.prompt(n_prompt)] * rows)
    clock = Clock()
    with torch.inference_mode():
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=new + 1,
            streamer=clock,
            **options,
        )
    return clock.seconds()


def guidance(n_prompt: int, rows: int) -> dict[str, Any]:
    """The options that make `generate` decode with CAD."""
    question = torch.tensor([measure.prompt(n_prompt, 5000)] * rows)
    return {"guidance_scale": 1.5, "negative_prompt_ids": question}


def main() -> None:
    """Loads, warms up, measures and prints one JSON object."""
    parser = measure.flags(__doc__)
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.utils.logging.disable_progress_bar()
    loaded: list[float] = []
    with measure.stopwatch(loaded):
        dtype = getattr(torch, args.dtype)
        model = transformers.AutoModelForCausalLM.from_pretrained(args.model, dtype=dtype)
    version = f"transformers {transformers.__version__}, torch {torch.__version__}, {args.dtype}"
    measure.report(args, version, {"load_seconds": loaded[0]} | figures(model, args))


def figures(model: Any, args: argparse.Namespace) -> measure.Report:
    """The entries `decode` and `prefill`."""
    # No token ends the text.
    model.generation_config = transformers.GenerationConfig(pad_token_id=0)
    options = SAMPLERS[args.sampler]
    generate(model, 1, 16, 1, **options)  # warms up
    rates = []
    for mode in args.modes:
        for n in args.samples:
            mixing = guidance(args.prompt_tokens // 2, n) if mode == "cad" else {}
            timing = (n, args.prompt_tokens, args.new_tokens)
            steps = generate(model, *timing, **options, **mixing)[1:]
            rates.append(measure.decode(mode, n, steps))
    seconds = generate(model, 1, args.prefill_tokens, 1, **options)[0]
    return {"decode": rates, "prefill": measure.prefill(args.prefill_tokens, seconds)}


if __name__ == "__main__":
    main()
