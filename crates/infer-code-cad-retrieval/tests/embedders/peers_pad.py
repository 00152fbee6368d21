"""Shows that usual int8 embeddings depend on a text's neighbours: the worst cosine of a text alone and in a batch.

    pip install onnx onnxruntime onnxscript transformers torch sentence-transformers
    python3 peers_pad.py MODELS      # the folder that .ci/fetch_weights.py fills

Peers: all-MiniLM-L6-v2 in PyTorch f32, with PyTorch's dynamic int8, and exported to ONNX with ONNX Runtime's dynamic int8
as sentence-transformers' `export_dynamic_quantized_onnx_model` makes it. Ours is bit-equal:
`int8_is_near_and_neither_depends_on_neighbours_or_threads`.
"""

import sys
import tempfile

import numpy
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
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


def session_int8(model, inputs, folder):
    """The model in ONNX, its matrices in int8 per channel, its activations quantized as they come, by one scale a tensor."""
    whole, int8 = f"{folder}/model.onnx", f"{folder}/int8.onnx"
    names = ["input_ids", "attention_mask", "token_type_ids"]
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=256)}
    torch.onnx.export(
        model, kwargs={name: inputs[name] for name in names}, f=whole, input_names=names,
        dynamic_shapes={name: shape for name in names}, dynamo=True, external_data=False, verbose=False,
    )
    quantize_dynamic(whole, int8, per_channel=True, weight_type=QuantType.QInt8)
    return onnxruntime.InferenceSession(int8)


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
    with tempfile.TemporaryDirectory() as place:
        session = session_int8(model, tokenize(TEXTS, "pt"), place)
    names = {entry.name for entry in session.get_inputs()}

    def embed_onnx(texts):
        inputs = tokenize(texts, "np")
        output = session.run(None, {name: inputs[name].astype(numpy.int64) for name in names})[0]
        return mean(output, inputs["attention_mask"])

    report("ONNX Runtime dynamic int8", embed_onnx)


main()
