"""Writes the weights of a GGUF file, widened to f32, and its tokenizer as a checkpoint of transformers.

Reading a GGUF file takes transformers most of a minute. A race is run on the checkpoint. Of the
tokenizer transformers reads all but the pre-tokenizer; SmolLM2's makes every digit a token.
"""

import argparse
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    """Converts one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="the GGUF file")
    parser.add_argument("--out", required=True, type=Path, help="a directory")
    args = parser.parse_args()
    file = {"gguf_file": args.model.name}
    read = AutoModelForCausalLM.from_pretrained(args.model.parent, dtype=torch.float32, **file)
    config = read.config
    del config.quantization_config  # a model that has one is not saved
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(args.out)
    tokenizer = AutoTokenizer.from_pretrained(args.model.parent, **file)
    split = [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(split)
    tokenizer.save_pretrained(args.out)


if __name__ == "__main__":
    main()
