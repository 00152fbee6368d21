"""Writes the small embedders beside this file and the vectors that sentence-transformers makes with them.

    pip install sentence-transformers==6.2.0 transformers==5.24.0 torch==2.15.0 model2vec==0.10.0
    python3 make.py

`bge` has the modules of BAAI/bge-small-en-v1.5 and its older kind of files, `mpnet` those of all-mpnet-base-v2 as they are
saved today; `plain` is `bge` without its modules, and `static` a table of Model2Vec. Weights are random, and large enough that attention, biases and norms all show in the result.
"""

import json
import pathlib
import shutil
import tempfile

import numpy
import torch
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, MPNetConfig, MPNetForMaskedLM, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
WORDS = "the of a in to list file read sort return array def for data frame numpy pandas is and with value".split()
SIZES = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=64, initializer_range=0.2)

TEXTS = [
    "",
    " \n\t ",
    "Sort a list",
    "Read the FILE, return an array of numpy data.",
    "def f(x):\n    return sorted(x)[::-1]  # naïve café",
    "漢字 and emoji 🦀 are [UNK] here",
    "the [SEP] of [PAD] a </s> in <pad> to <mask>",
    " ".join(WORDS[i * 7 % len(WORDS)] for i in range(135)),
    "x" * 120 + " data",
    " ".join(f"frame {i}" for i in range(300)),
]


def vocabulary(special):
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    pieces = special + letters + ["##" + c for c in letters if c.isalnum()] + [w for w in WORDS if len(w) > 1]
    return {piece: i for i, piece in enumerate(pieces)}


def tokenizer(special, pad, cls, sep, unk, processor):
    vocab = vocabulary(special)
    inner = Tokenizer(models.WordPiece(vocab, unk_token=unk, max_input_chars_per_word=100))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processor(vocab)
    inner.add_special_tokens([pad, unk, cls, sep])
    # As in the file of all-MiniLM-L6-v2: neither may act.
    inner.enable_truncation(max_length=16)
    inner.enable_padding(length=16, pad_id=vocab[pad], pad_token=pad)
    names = dict(pad_token=pad, cls_token=cls, sep_token=sep, unk_token=unk)
    return PreTrainedTokenizerFast(tokenizer_object=inner, **names), inner, vocab


def bert_processor(vocab):
    ids = [("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])]
    return processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)


def roberta_processor(vocab):
    return processors.RobertaProcessing(("</s>", vocab["</s>"]), ("<s>", vocab["<s>"]), add_prefix_space=False)


def disturb(model):
    """Norms and biases that are not one and zero."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") and parameter.dim() == 1:
                parameter.normal_(0.0, 0.3)
            if "LayerNorm.weight" in name:
                parameter.normal_(1.0, 0.3)


def save(name, model, fast, inner, pooling, max_seq_length, prompts):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as transformer:
        model.save_pretrained(transformer)
        fast.save_pretrained(transformer)
        inner.save(f"{transformer}/tokenizer.json")
        modules = [Transformer(transformer, max_seq_length=max_seq_length), Pooling(48, pooling), Normalize()]
        SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder), create_model_card=False)
        # sentence-transformers saves the parts of the class that it loads alone, and its own idea of the tokenizer.
        for file in ["model.safetensors", "config.json", "tokenizer.json"]:
            shutil.copy(f"{transformer}/{file}", folder / file)
    return folder


def older_files(folder, max_seq_length):
    """The files as BGE has them, saved by sentence-transformers 2."""
    write = lambda file, value: (folder / file).write_text(json.dumps(value, indent=2))
    kinds = ["Transformer", "Pooling", "Normalize"]
    paths = ["", "1_Pooling", "2_Normalize"]
    write("modules.json", [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(zip(paths, kinds))
    ])
    write("1_Pooling/config.json", {
        "word_embedding_dimension": 48, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False,
    })
    write("sentence_bert_config.json", {"max_seq_length": max_seq_length, "do_lower_case": True})
    write("config_sentence_transformers.json", {"__version__": {"sentence_transformers": "2.2.2"}})


def expected(folder):
    model = SentenceTransformer(str(folder), device="cpu")
    encode = lambda name: model.encode(TEXTS, prompt_name=name, batch_size=4).tolist()
    names = ["query", "document"] if "query" in model.prompts and model.prompts["query"] else [None, None]
    query, passage = map(encode, names)
    return {"query": query, "passage": passage}


def plain(folder):
    """What becomes of a transformer without modules."""
    with tempfile.TemporaryDirectory() as transformer:
        for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]:
            shutil.copy(folder / file, transformer)
        model = SentenceTransformer(transformer, device="cpu")
        return {"passage": model.encode(TEXTS, normalize_embeddings=True).tolist()}


def static():
    """A static table: tokens share rows and have weights, one token is unknown."""
    special = ["[PAD]", "[UNK]"]
    _, inner, vocab = tokenizer(special + ["[CLS]", "[SEP]"], "[PAD]", "[CLS]", "[SEP]", "[UNK]", bert_processor)
    generator = numpy.random.default_rng(0)
    rows = len(vocab) // 2
    model = StaticModel(
        vectors=generator.standard_normal((rows, 32)).astype(numpy.float32), tokenizer=inner,
        config={"model_type": "model2vec"}, normalize=True, max_length=100,
        weights=generator.uniform(0.2, 1.0, len(vocab)), token_mapping=generator.integers(0, rows, len(vocab)),
    )
    shutil.rmtree(HERE / "static", ignore_errors=True)
    model.save_pretrained(HERE / "static")
    (HERE / "static" / "README.md").unlink(missing_ok=True)
    return {"passage": StaticModel.from_pretrained(HERE / "static").encode(TEXTS).tolist()}


def main():
    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    fast, inner, vocab = tokenizer(special, "[PAD]", "[CLS]", "[SEP]", "[UNK]", bert_processor)
    bert = BertModel(BertConfig(vocab_size=len(vocab), max_position_embeddings=160, **SIZES))
    disturb(bert)
    bge = save("bge", bert, fast, inner, "cls", 150, None)
    older_files(bge, 150)

    special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    fast, inner, vocab = tokenizer(special, "<pad>", "<s>", "</s>", "[UNK]", roberta_processor)
    config = MPNetConfig(vocab_size=len(vocab), max_position_embeddings=162, layer_norm_eps=1e-5, **SIZES)
    language_model = MPNetForMaskedLM(config)
    disturb(language_model)
    prompts = {"query": "query: ", "document": "text: "}
    mpnet = save("mpnet", language_model, fast, inner, "mean", 140, prompts)

    vectors = {"bge": expected(bge), "mpnet": expected(mpnet), "plain": plain(bge), "static": static()}
    rounded = {
        name: {role: [[float(f"{x:.7g}") for x in row] for row in rows] for role, rows in roles.items()}
        for name, roles in vectors.items()
    }
    (HERE / "expected.json").write_text(json.dumps({"texts": TEXTS, **rounded}))


main()
