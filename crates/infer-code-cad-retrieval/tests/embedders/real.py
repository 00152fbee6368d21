"""Writes what sentence-transformers makes of some texts with the real weights that `.ci/fetch_weights.py` fetches.

    python3 real.py MODELS real.json             # the texts below: the file of the tests
    python3 real.py MODELS OUT.json DOCUMENTS N  # N documents {doc_id, doc_content} of a JSONL file (.gz), evenly spread

The test reads another file than `real.json` where INFER_CODE_CAD_EMBEDDINGS names one.
"""

import gzip
import json
import pathlib
import sys

from sentence_transformers import SentenceTransformer

TEXTS = [
    "",
    "How do I sort a list of tuples by the second element in Python?",
    "numpy.linalg.norm(x, ord=None, axis=None, keepdims=False)\n\nMatrix or vector norm.",
    "def fib(n):\n    a, b = 0, 1\n    while a < n:\n        yield a\n        a, b = b, a + b\n",
    "Die Straße führt zum Café, 東京 🦀.",
    " ".join(f"The parameter axis_{i} selects the dimension {i * i} of the array." for i in range(60)),
]


def documents(path, count):
    with gzip.open(path, "rt") as lines:
        texts = [json.loads(line)["doc_content"] for line in lines]
    return texts[:: max(len(texts) // count, 1)][:count]


def main():
    models, out, *rest = sys.argv[1:]
    texts = documents(rest[0], int(rest[1])) if rest else TEXTS
    expected = {"texts": texts}
    for name in ["minilm", "mpnet"]:
        model = SentenceTransformer(str(pathlib.Path(models) / name), device="cpu")
        vectors = model.encode(texts, batch_size=8).tolist()
        expected[name] = {"passage": [[float(f"{x:.7g}") for x in row] for row in vectors]}
    pathlib.Path(out).write_text(json.dumps(expected))


main()
