"""Trains the embedded model from scratch: `python3 training/train.py` writes everything under model/.

The stream is a function of the seed, so two runs see the same samples in the same order.
"""

import argparse
import json
import math
import pathlib
import random
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from lexicon import BOS, EOS, train_tokenizer
from stream import PHASES, SEED, sample

BATCH = 32
WINDOW = 64 * BATCH  # samples sorted by length together, so that batches hold little padding
MUON_LR, ADAM_LR = 0.02, 3e-3
WARM_UP = 100  # steps
MODEL_DIR = pathlib.Path(__file__).resolve().parent.parent / "model"


def main():
    """Tokenizer, model, one cosine cycle per phase of the stream, export."""
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(SEED)
    model = LlamaForCausalLM(model_config(tokenizer))
    print("parameters: %d" % sum(p.numel() for p in model.parameters()), flush=True)
    if args.skip_phases:
        state = {name: t.float() for name, t in load_file(args.out / "model.safetensors").items()}
        model.load_state_dict(state, strict=False)
    clock = Clock(args.export_minutes, lambda: export(model, tokenizer, args.out))
    starts = [0] + [phase.end for phase in PHASES]
    for start, phase in list(zip(starts, PHASES))[args.skip_phases :]:
        train_phase(model, tokenizer, start, phase, clock)
    export(model, tokenizer, args.out)


def train_phase(model, tokenizer, start, phase, clock):
    """Warm-up and cosine decay over the samples from `start` to the end of the phase."""
    optimizers = make_optimizers(model)
    n_steps = math.ceil((phase.end - start) / BATCH)
    for step, (ids, labels) in enumerate(batches(tokenizer, start, phase.end)):
        rate = phase.peak * min(1, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / n_steps))
        for optimizer, peak in zip(optimizers, (MUON_LR, ADAM_LR)):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate
        loss = completion_loss(model, ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad()
        clock.tick(step + 1, n_steps, loss.item(), ids.numel())


class Clock:
    """Prints the mean loss every 50 steps and exports every so many minutes."""

    def __init__(self, export_minutes, export):
        self.start, self.tokens, self.losses = time.time(), 0, []
        self.period, self.export = export_minutes * 60, export
        self.due = self.period

    def tick(self, step, n_steps, loss, n_tokens):
        """Counts one step."""
        self.tokens += n_tokens
        self.losses.append(loss)
        if step % 50 and step != n_steps:
            return
        seconds, mean = time.time() - self.start, sum(self.losses) / len(self.losses)
        line = "step %d/%d loss %.4f tokens %d seconds %.0f"
        print(line % (step, n_steps, mean, self.tokens, seconds), flush=True)
        self.losses = []
        if seconds > self.due:
            self.export()
            self.due += self.period


def parse_arguments():
    """Command line; the defaults are the shipped run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip-phases", type=int, default=0, help="go on from the weights under --out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=MODEL_DIR)
    parser.add_argument("--export-minutes", type=float, default=8, help="write the weights this often on the way")
    return parser.parse_args()


def model_config(tokenizer):
    """3.8 million parameters, of which 0.26 million are the tied embedding."""
    return LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        max_position_embeddings=1024,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        attention_bias=False,
        mlp_bias=False,
        bos_token_id=tokenizer.token_to_id(BOS),
        eos_token_id=tokenizer.token_to_id(EOS),
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )


def make_optimizers(model):
    """Muon for the matrices of the layers, which needs a third fewer steps here; AdamW for embedding and norms."""
    embedding = model.model.embed_tokens.weight
    matrices = [p for p in model.parameters() if p.ndim == 2 and p is not embedding]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": [embedding], "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return (
        torch.optim.Muon(matrices, lr=MUON_LR, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(groups, lr=ADAM_LR, betas=(0.9, 0.95)),
    )


def batches(tokenizer, start, end):
    """(ids, labels), both (BATCH, longest of the batch); labels are -100 outside the completion."""
    eos = tokenizer.token_to_id(EOS)
    for begin in range(start, end, WINDOW):
        rows = []
        for i in range(begin, min(begin + WINDOW, end)):
            _, _, prompt, completion = sample(SEED, i)
            context = tokenizer.encode(prompt).ids
            target = tokenizer.encode(completion, add_special_tokens=False).ids + [eos]
            rows.append((context + target, len(context)))
        rows.sort(key=lambda row: len(row[0]))
        chunks = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
        random.Random(begin).shuffle(chunks)
        for chunk in chunks:
            yield pad(chunk, eos)


def pad(rows, eos):
    """Right padding; causal attention never looks at it and the loss skips it."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), eos)
    labels = torch.full((len(rows), longest), -100)
    for row, (tokens, n_context) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, n_context : len(tokens)] = torch.tensor(tokens[n_context:])
    return ids, labels


def completion_loss(model, ids, labels):
    """Cross-entropy over the completion; the head runs on those positions only."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state  # (batch, longest, hidden)
        wanted = labels[:, 1:] != -100
        logits = model.lm_head(hidden[:, :-1][wanted])  # (completion tokens, vocab)
    return F.cross_entropy(logits.float(), labels[:, 1:][wanted])


def export(model, tokenizer, folder):
    """The files a Llama checkpoint consists of, weights in f16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: t.detach().to(torch.float16).contiguous()
        for name, t in model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    c = model.config
    ids = {"bos_token_id": c.bos_token_id, "eos_token_id": c.eos_token_id}
    names = (
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "max_position_embeddings",
        "rms_norm_eps",
        "tie_word_embeddings",
        "attention_bias",
        "mlp_bias",
        "hidden_act",
    )
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "torch_dtype": "float16",
        "rope_theta": 10000.0,
        **ids,
        **{name: getattr(c, name) for name in names},
    }
    write_json(folder / "config.json", config)
    write_json(
        folder / "generation_config.json",
        {**ids, "do_sample": True, "temperature": 0.8, "top_p": 0.9, "max_new_tokens": 128},
    )


def write_json(path, value):
    """Indented JSON with a final newline."""
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
