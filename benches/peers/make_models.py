"""Writes the models that the comparison reads: random weights of Llama 3.2 1B's shape.

    python make_models.py DIRECTORY      (torch, transformers, sentencepiece, llama-cpp-python)

DIRECTORY gets `checkpoint/`, in bf16 by transformers, and `llama1b-{bf16,q8_0,q4_0,q4_k_m}.gguf` of
it, by llama.cpp's own converter, taken from the source package of `llama-cpp-python`, and its own
quantizer. Speed does not depend on the values. What is already there is kept.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import llama_cpp
import torch
from tokenizers import Tokenizer, decoders, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCAB_SIZE = 128_256
FORMATS = ["q8_0", "q4_0", "q4_k_m"]


def main() -> None:
    """Writes what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--layers", type=int, default=16, help="fewer make a quick trial")
    args = parser.parse_args()
    checkpoint = args.directory / "checkpoint"
    if not checkpoint.exists():
        write_checkpoint(checkpoint, args.layers)
    bf16 = args.directory / "llama1b-bf16.gguf"
    if not bf16.exists():
        with tempfile.TemporaryDirectory() as temporary:
            convert(llama_cpp_source(Path(temporary)), checkpoint, bf16)
    for name in FORMATS:
        target = args.directory / f"llama1b-{name}.gguf"
        if not target.exists():
            quantize(bf16, target, name)


def write_checkpoint(directory: Path, layers: int) -> None:
    """Random bf16 weights, tied embeddings, the rotary scaling of Llama 3."""
    config = LlamaConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=layers,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=64,
        max_position_embeddings=131_072,
        rms_norm_eps=1e-5,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 5e5,
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    LlamaForCausalLM(config).save_pretrained(directory)
    tokenizer().save_pretrained(directory)


def tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, then tokens no text contains: as many as the model has, of a kind that converts."""
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    names += [f"<unused{i}>" for i in range(len(names), VOCAB_SIZE)]
    vocab = {name: i for i, name in enumerate(names)}
    bytes_only = Tokenizer(models.BPE(vocab, [], unk_token="<unk>", byte_fallback=True))
    bytes_only.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_only, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def llama_cpp_source(directory: Path) -> Path:
    """llama.cpp's sources as packed in those of the installed `llama-cpp-python`."""
    package = f"llama-cpp-python=={version('llama-cpp-python')}"
    options = ["--no-deps", "--no-binary", "llama-cpp-python", "--dest", str(directory)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, package], check=True)
    with tarfile.open(next(directory.glob("*.tar.gz"))) as archive:
        archive.extractall(directory, filter="data")
    return next(directory.glob("*/vendor/llama.cpp"))


def convert(source: Path, checkpoint: Path, target: Path) -> None:
    """Runs llama.cpp's converter with the `gguf` package beside it."""
    command = [sys.executable, str(source / "convert_hf_to_gguf.py"), str(checkpoint)]
    command += ["--outtype", "bf16", "--outfile", str(target)]
    paths = os.pathsep.join([str(source / "gguf-py"), os.environ.get("PYTHONPATH", "")])
    subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, check=True)


def quantize(source: Path, target: Path, name: str) -> None:
    """Runs llama.cpp's quantizer."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{name.upper()}")
    paths = str(source).encode(), str(target).encode()
    if status := llama_cpp.llama_model_quantize(*paths, ctypes.byref(params)):
        sys.exit(f"llama_model_quantize returned {status} for {target}")


if __name__ == "__main__":
    main()
