"""Parity at the shape of a published model: random weights, real sizes.

    python true_shape.py SHAPE DIRECTORY [DTYPE...]     (torch 2.9.1, transformers 5.23, cargo; from
                                                         qwen3-0.6b on torch 2.15, transformers 5.24)

Writes a bf16 checkpoint of the shape to DIRECTORY unless it is there, with the f32 logits that
transformers computes at 48 positions, then lets the library load and compare it, once per DTYPE
(f32, bf16; both when none is given). Takes 2 bytes of disk per weight, and 8 of memory beside the
mapped file, for both backends hold the weights: by that at most 26 GB, of which the file's 5 may
go, for gemma-2-2b; 11 for starcoderbase-1b. What ends in a number of layers has so many of the published
ones, all else being as published.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/infer-code-cad-checkpoint/tests/fixtures"))

import make_families as small
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    GPTBigCodeConfig,
    GraniteConfig,
    LlamaConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    SmolLM3Config,
)

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
    "qwen3-0.6b": lambda: Qwen3Config(
        **QWEN | dict(num_key_value_heads=8, max_position_embeddings=40960),
        hidden_size=1024,
        intermediate_size=3072,
        num_attention_heads=16,
        head_dim=128,
    ),
    "gemma-3-1b": lambda: Gemma3TextConfig(
        vocab_size=262144,
        hidden_size=1152,
        intermediate_size=6912,
        num_hidden_layers=26,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        max_position_embeddings=32768,
        query_pre_attn_scalar=256,
        sliding_window=512,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    ),
    "smollm3-3b-12-layers": lambda: SmolLM3Config(
        vocab_size=128256,
        hidden_size=2048,
        intermediate_size=11008,
        num_hidden_layers=12,
        num_attention_heads=16,
        num_key_value_heads=4,
        max_position_embeddings=65536,
        rms_norm_eps=1e-6,
        no_rope_layer_interval=4,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 5e6},
        tie_word_embeddings=True,
    ),
    "granite-3.3-2b-16-layers": lambda: GraniteConfig(
        vocab_size=49159,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=16,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=131072,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 1e7},
        embedding_multiplier=12.0,
        attention_multiplier=0.015625,
        residual_multiplier=0.22,
        logits_scaling=8.0,
        tie_word_embeddings=True,
    ),
    "phi-4-mini-8-layers": lambda: Phi3Config(
        vocab_size=200064,
        hidden_size=3072,
        intermediate_size=8192,
        num_hidden_layers=8,
        num_attention_heads=24,
        num_key_value_heads=8,
        max_position_embeddings=131072,
        rms_norm_eps=1e-5,
        original_max_position_embeddings=4096,
        # The published factors are not in a configuration's defaults: a ramp of their length and size.
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 1e4,
            "partial_rotary_factor": 0.75,
            "short_factor": [1.0 + i / 480 for i in range(48)],
            "long_factor": [1.0 + i for i in range(48)],
            "original_max_position_embeddings": 4096,
        },
        pad_token_id=0,
        tie_word_embeddings=True,
    ),
    "starcoder-heads-8-layers": lambda: GPTBigCodeConfig(
        vocab_size=49152,
        n_embd=2048,
        n_inner=8192,
        n_layer=8,
        n_head=16,
        n_positions=8192,
        multi_query=False,
        bos_token_id=0,
        eos_token_id=0,
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
            norms_from = -0.5 if "gemma" in config.model_type else 0.5
            small.make(
                directory, config, stored=small.BF16, norms_from=norms_from, n_tokens=48
            )
            sys.exit()
    for dtype in sys.argv[3:] or ["f32", "bf16"]:
        compare(directory, dtype)
