"""Our flat index and faiss-cpu's, by turns on the same vectors, the best 5 of 44,007 x 768.

    cargo build --release -p infer-code-cad-benches --bench flat_worker
    python compare.py target/release/deps/flat_worker-<hash> [--vectors real.npy --queries real.npy]

Needs faiss-cpu 1.15 and numpy. FAISS gets as many threads as we do and the best of its knobs for blocks, which is looked
for first. Each round times every search once; a row gives the median of each side and the median of the rounds' ratios.
"""

import argparse
import itertools
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np

TOP_K = 5


def random_unit(rows, dimension, seed):
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Ours:
    def __init__(self, worker, vectors, queries, threads):
        command = [worker, vectors, queries, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def search(self, kind, n):
        print(kind, n, TOP_K, file=self.process.stdin, flush=True)
        seconds, *ids = self.process.stdout.readline().split()
        return float(seconds), np.array(ids, dtype=np.int64).reshape(n, TOP_K)


class Faiss:
    """Its flat index with the knobs that `tune` found."""

    def __init__(self, vectors, queries):
        self.index, self.queries = faiss.IndexFlatIP(vectors.shape[1]), queries
        self.index.add(vectors)

    def search(self, n):
        start = time.perf_counter()
        _, ids = self.index.search(self.queries[:n], TOP_K)
        return time.perf_counter() - start, ids

    def tune(self, n, rounds):
        knobs = itertools.product([1, 1_000_000], [256, 4096], [256, 1024, 4096, 16384])
        best = min(knobs, key=lambda knob: (self.turn(*knob), min(self.search(n)[0] for _ in range(rounds)))[1])
        self.turn(*best)
        return best

    @staticmethod
    def turn(threshold, query_block, vector_block):
        faiss.cvar.distance_compute_blas_threshold = threshold
        faiss.cvar.distance_compute_blas_query_bs = query_block
        faiss.cvar.distance_compute_blas_database_bs = vector_block


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("worker")
    parser.add_argument("--vectors")
    parser.add_argument("--queries")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 164])
    args = parser.parse_args()
    vectors = np.load(args.vectors) if args.vectors else random_unit(44_007, 768, 1)
    queries = np.load(args.queries) if args.queries else random_unit(max(args.batches), 768, 2)
    vectors, queries = (np.ascontiguousarray(x, dtype=np.float32) for x in (vectors, queries))
    faiss.omp_set_num_threads(args.threads)
    theirs = Faiss(vectors, queries)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, name)) for name in ("vectors.npy", "queries.npy")]
        np.save(paths[0], vectors)
        np.save(paths[1], queries)
        ours = Ours(args.worker, *paths, args.threads)
        ours.search("f32", 1)
        print(f"{len(vectors)} x {vectors.shape[1]}, top {TOP_K}, {args.threads} threads, faiss {faiss.__version__}")
        for n in args.batches:
            knobs = theirs.tune(n, 3)
            print(f"faiss, {n} queries: threshold, query block, vector block = {knobs}")
            compare(ours, theirs, n, args.rounds)


def compare(ours, theirs, n, rounds):
    kinds = ["f32", "f16", "i8"]
    times, found = {kind: [] for kind in ["faiss", *kinds]}, {}
    for _ in range(rounds):
        seconds, expected = theirs.search(n)
        times["faiss"].append(seconds)
        for kind in kinds:
            seconds, found[kind] = ours.search(kind, n)
            times[kind].append(seconds)
    print(f"  faiss {statistics.median(times['faiss']) * 1e3:8.2f} ms, least {min(times['faiss']) * 1e3:8.2f}")
    for kind in kinds:
        ratio = statistics.median(own / their for own, their in zip(times[kind], times["faiss"]))
        recall = np.mean([len(set(a) & set(b)) / TOP_K for a, b in zip(found[kind], expected)])
        print(
            f"  {kind:5} {statistics.median(times[kind]) * 1e3:8.2f} ms, least {min(times[kind]) * 1e3:8.2f}, "
            f"x {ratio:.2f} of faiss (leasts {min(times[kind]) / min(times['faiss']):.2f}), recall {recall:.4f}"
        )


if __name__ == "__main__":
    main()
