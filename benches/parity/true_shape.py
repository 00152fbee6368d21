"""Parity at the shape of a published model: random weights, real sizes.

    python true_shape.py SHAPE DIRECTORY [DTYPE...]     (torch 2.9.1, transformers 5.23, cargo)

Writes a bf16 checkpoint of the shape to DIRECTORY unless it is there, with the f32 logits that
transformers computes at 48 positions, then lets the library load and compare it, once per DTYPE
(f32, bf16; both when none is given). Takes 2 bytes of disk per weight, and 4 of memory beside the
mapped file: at most 16 GB, of which the file's 5 may go, for gemma-2-2b; 7 for starcoderbase-1b.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/infer-code-cad-checkpoint/tests/fixtures"))

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
    command = ["cargo", "test", "--package", "infer-code-cad-candle", *test]
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
            config = SHAPES[shape]()
            # Gemma adds 1 to its norms. Much larger ones would amplify rounding through 26 layers.
            norms_from = -0.5 if config.model_type == "gemma2" else 0.5
            small.make(
                directory, config, stored=small.BF16, norms_from=norms_from, n_tokens=48
            )
            sys.exit()
    for dtype in sys.argv[3:] or ["f32", "bf16"]:
        compare(directory, dtype)
