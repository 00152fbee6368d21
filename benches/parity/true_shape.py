"""Parity at the shape of a published model: random weights, real sizes.

    python true_shape.py SHAPE DIRECTORY [DTYPE...]     (torch 2.9.1, transformers 5.23, cargo)

Writes a bf16 checkpoint of the shape to DIRECTORY unless it is there, with the f32 logits that
transformers computes at 48 positions, then lets the library load and compare it, once per DTYPE
(f32, bf16; both when none is given). Needs 4 bytes of memory per weight and a little more, 2 of disk:

llama-3.2-1b 5 GB, gemma-2-2b 11 GB, starcoderbase-1b 5 GB, qwen2.5-coder-0.5b 2 GB, -1.5b 7 GB
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/infer-code-cad-models/tests/fixtures"))

import make_families as small
from transformers import Gemma2Config, GPTBigCodeConfig, LlamaConfig, Qwen2Config

QWEN = dict(
    vocab_size=151936,
    num_hidden_layers=28,
    num_key_value_heads=2,
    max_position_embeddings=32768,
    rms_norm_eps=1e-6,
    rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    tie_word_embeddings=True,
)
SHAPES = {
    "llama-3.2-1b": lambda: LlamaConfig(
        vocab_size=128256,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=16,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=64,
        max_position_embeddings=131072,
        rms_norm_eps=1e-5,
        rope_parameters=small.llama3(5e5, 8192) | {"factor": 32.0},
        tie_word_embeddings=True,
    ),
    "gemma-2-2b": lambda: Gemma2Config(),  # the defaults of transformers
    "starcoderbase-1b": lambda: GPTBigCodeConfig(
        vocab_size=49152,
        n_embd=2048,
        n_inner=8192,
        n_layer=24,
        n_head=16,
        n_positions=8192,
        bos_token_id=0,
        eos_token_id=0,
    ),
    "qwen2.5-coder-0.5b": lambda: Qwen2Config(
        **QWEN | dict(num_hidden_layers=24),
        hidden_size=896,
        intermediate_size=4864,
        num_attention_heads=14,
    ),
    "qwen2.5-coder-1.5b": lambda: Qwen2Config(
        **QWEN, hidden_size=1536, intermediate_size=8960, num_attention_heads=12
    ),
}


def compare(directory, dtype):
    test = ["--test", "backends", "--", "--ignored", "--exact", "--nocapture", "parity::true_shape"]
    environment = os.environ | {"PARITY_CHECKPOINT": str(directory), "PARITY_DTYPE": dtype}
    command = ["cargo", "test", "--package", "infer-code-cad-models", *test]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    shape, directory = sys.argv[1], Path(sys.argv[2]).resolve()
    if not (directory / "expected.safetensors").exists():
        # A process of its own, so that its memory is free again.
        if child := os.fork():
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if status:
                sys.exit(status)
        else:
            small.make(directory, SHAPES[shape](), stored=small.BF16, n_tokens=48)
            sys.exit()
    for dtype in sys.argv[3:] or ["f32", "bf16"]:
        compare(directory, dtype)
