"""Our embedders and their peers, by turns on the same texts and weights: texts per second, one interleaved run.

    cargo build --release -p infer-code-cad-benches --bench embedding_worker
    python compare.py target/release/deps/embedding_worker-<hash> MODEL [--documents store.jsonl.gz] [--peers ...]

MODEL is a directory of sentence-transformers (BERT or MPNet). With `--shape bge-base` random weights of BGE-base's shape are
written there first, with the tokenizer of `--tokenizer`. Needs torch, transformers, sentence-transformers; for OpenVINO
also openvino and nncf: its int8 model is what `nncf.quantize` makes for transformers, calibrated on the
documents, as sentence-transformers' `export_static_quantized_openvino_model` does.

Two lists: chunks of exactly 512 tokens, and documents as they come. Each round times every side once; a row gives the
median and the median of the rounds' ratios to ours. Torch and OpenVINO get the batch size that is fastest for them.
"""

import argparse
import gzip
import json
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

BATCHES = [1, 4, 8]


def write_model(folder, tokenizer):
    """Random weights of BGE-base's shape, in the layout of sentence-transformers: the first token's vector, of length 1."""
    torch.manual_seed(0)
    source = AutoTokenizer.from_pretrained(tokenizer)
    BertModel(BertConfig(vocab_size=len(source)), add_pooling_layer=False).save_pretrained(folder)
    source.save_pretrained(folder)
    pooling, normalize = Path(folder, "1_Pooling"), Path(folder, "2_Normalize")
    pooling.mkdir(exist_ok=True)
    normalize.mkdir(exist_ok=True)
    (pooling / "config.json").write_text(json.dumps({"word_embedding_dimension": 768, "pooling_mode_cls_token": True}))
    Path(folder, "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 512}))
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    Path(folder, "modules.json").write_text(json.dumps(modules))


def chunk_of(words, length, seed):
    """Arbitrary words that are exactly so many tokens with the two that frame them."""
    rng = random.Random(seed)
    return " ".join(rng.choices(words, k=length - 2))


def documents(path, n):
    """Evenly spread documents of a store, by the name of the text in the paper's set or in our passages."""
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [row.get("doc_content") or row["text"] for row in rows[:: len(rows) // n][:n]]


class Ours:
    def __init__(self, worker, model, texts, threads):
        command = [worker, model, texts, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, weights, name):
        print(weights, name, file=self.process.stdin, flush=True)
        seconds, vector = self.process.stdout.readline().split(" ", 1)
        return float(seconds), np.array(json.loads(vector))


def by_length(tokenizer, texts, limit, batch):
    """Batches of texts that are about as long: what a careful user of the library does."""
    encoded = [tokenizer(text, truncation=True, max_length=limit)["input_ids"] for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        yield places, tokenizer.pad({"input_ids": [encoded[i] for i in places]}, return_tensors="pt")


class Torch:
    def __init__(self, model, dtype):
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.model = AutoModel.from_pretrained(model, dtype=dtype).eval()

    @torch.inference_mode()
    def run(self, texts, limit, batch):
        start = time.perf_counter()
        for _, inputs in by_length(self.tokenizer, texts, limit, batch):
            self.model(**inputs)
        return time.perf_counter() - start


class OpenVino:
    def __init__(self, model, calibration, limit, threads):
        import nncf
        import openvino

        self.tokenizer = AutoTokenizer.from_pretrained(model)
        rows = [dict(batch) for _, batch in by_length(self.tokenizer, calibration, limit, 1)]
        exported = openvino.convert_model(AutoModel.from_pretrained(model).eval(), example_input=rows[0])
        self.names = [name for name in rows[0] if any(name in port.get_names() for port in exported.inputs)]
        rows = nncf.Dataset([self.inputs(row) for row in rows])
        quantized = nncf.quantize(exported, rows, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(calibration))
        config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self.compiled = openvino.compile_model(quantized, "CPU", config)

    def inputs(self, batch):
        return {name: batch[name].numpy() for name in self.names}

    def run(self, texts, limit, batch):
        start = time.perf_counter()
        for _, inputs in by_length(self.tokenizer, texts, limit, batch):
            self.compiled(self.inputs(inputs))
        return time.perf_counter() - start


class SentenceTransformers:
    def __init__(self, model):
        self.model = SentenceTransformer(model, device="cpu")

    def run(self, texts, limit, batch):
        start = time.perf_counter()
        self.vectors = self.model.encode(texts, batch_size=batch, show_progress_bar=False)
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("worker")
    parser.add_argument("model")
    parser.add_argument("--shape", choices=["bge-base"])
    parser.add_argument("--tokenizer")
    parser.add_argument("--documents")
    parser.add_argument("--chunks", type=int, default=8)
    parser.add_argument("--n-documents", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="+", default=["torch f32", "torch bf16", "openvino int8", "sentence-transformers"])
    args = parser.parse_args()
    if args.shape:
        shutil.rmtree(args.model, ignore_errors=True)
        write_model(args.model, args.tokenizer)
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    limit = json.loads(Path(args.model, "sentence_bert_config.json").read_text())["max_seq_length"]
    words = [word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2]
    words = [word for word in sorted(words) if len(tokenizer(word)["input_ids"]) == 3]
    lists = {"chunks": [chunk_of(words, min(limit, 512), i) for i in range(args.chunks)]} if args.chunks else {}
    if args.documents:
        lists["documents"] = documents(args.documents, args.n_documents)
    calibration = lists.get("documents", lists.get("chunks"))[:64]
    make = {
        "torch f32": lambda: Torch(args.model, torch.float32),
        "torch bf16": lambda: Torch(args.model, torch.bfloat16),
        "openvino int8": lambda: OpenVino(args.model, calibration, limit, args.threads),
        "sentence-transformers": lambda: SentenceTransformers(args.model),
    }
    peers = {name: make[name]() for name in args.peers}
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder, "texts.json")
        texts.write_text(json.dumps(lists))
        ours = Ours(args.worker, args.model, str(texts), args.threads)
        for name, texts in lists.items():
            compare(ours, peers, name, texts, limit, args)


def compare(ours, peers, name, texts, limit, args):
    batches = {"sentence-transformers": 32}  # its default
    for peer, it in peers.items():
        if peer not in batches:
            batches[peer] = min(BATCHES, key=lambda batch: it.run(texts, limit, batch))
    times = {side: [] for side in ["ours f32", "ours int8", *peers]}
    for _ in range(args.rounds + 1):
        for weights in ["f32", "int8"]:
            seconds, vector = ours.run(weights, name)
            times[f"ours {weights}"].append(seconds)
        for peer, it in peers.items():
            times[peer].append(it.run(texts, limit, batches[peer]))
    times = {side: seconds[1:] for side, seconds in times.items()}
    print(f"{name}: {len(texts)} texts, limit {limit}, {args.threads} threads; texts/s, and ours f32 / int8 over it")
    for side, seconds in times.items():
        ratios = [
            statistics.median(theirs / own for theirs, own in zip(seconds, times[f"ours {weights}"]))
            for weights in ("f32", "int8")
        ]
        batch = f", batch {batches[side]}" if side in batches and side in peers else ""
        rate = len(texts) / statistics.median(seconds)
        print(f"  {side:22} {rate:8.2f}   {ratios[0]:5.2f} {ratios[1]:5.2f}{batch}", flush=True)


if __name__ == "__main__":
    main()
