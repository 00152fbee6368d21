"""How much of a docstring or body occurs in HumanEval or MBPP, by token 5-grams."""

import gzip
import json
import keyword
import re
from collections import Counter, defaultdict, namedtuple

N = 5
Reference = namedtuple("Reference", "name doc body")
KEPT = set(keyword.kwlist) | set(
    "abs all any bool dict enumerate filter float int len list map max min print range reversed round set sorted str sum tuple zip ord chr".split()
)


def read_references(humaneval, mbpp):
    """The problems of the benchmark files that are given."""
    references = []
    for row in read_jsonl(humaneval):
        doc = re.split(r'"""|\'\'\'', row["prompt"])[-2]
        references.append(
            Reference(row["task_id"], re.split(r">>>|Example|For example", doc)[0], row["canonical_solution"])
        )
    for row in read_jsonl(mbpp):
        body = row["code"].replace("\r", "").split("):", 1)[-1]
        references.append(Reference("MBPP/%s" % row["task_id"], row["text"], body))
    return references


def read_jsonl(path):
    """Rows of a JSON-lines file, gzipped or not; none without a path."""
    if path is None:
        return []
    data = path.read_bytes()
    text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return [json.loads(line) for line in text.decode().splitlines() if line.strip()]


def doc_tokens(text):
    """Lower-cased words."""
    return re.findall(r"\w+", text.lower())


def body_tokens(text):
    """Code tokens with every name that is not Python's own replaced."""
    text = re.sub(r"#.*", "", text)
    tokens = re.findall(r"[A-Za-z_]\w*|\d+|\"[^\"\n]*\"|'[^'\n]*'|[^\w\s]", text)
    return ["v" if (t[0].isalpha() or t[0] == "_") and t not in KEPT else t for t in tokens]


def grams(tokens):
    """The set of 5-grams."""
    return {tuple(tokens[i : i + N]) for i in range(len(tokens) - N + 1)}


class Nearness:
    """An inverted index over the 5-grams of named token lists; texts under `min_tokens` say too little."""

    def __init__(self, named, min_tokens):
        self.min_tokens, self.sizes, self.postings = min_tokens, {}, defaultdict(list)
        for name, tokens in named:
            found = grams(tokens)
            if len(tokens) >= min_tokens:
                self.sizes[name] = len(found)
                for gram in found:
                    self.postings[gram].append(name)

    def nearest(self, texts, tokenise):
        """(Jaccard similarity of the 5-grams, text, name) of the closest pair."""
        best, seen = (0.0, "", "nothing"), set()
        for text in sorted(texts):
            tokens = tuple(tokenise(text))
            if len(tokens) < self.min_tokens or tokens in seen:
                continue
            seen.add(tokens)
            mine = grams(tokens)
            shared = Counter(name for gram in mine for name in self.postings.get(gram, ()))
            for name, n in shared.items():
                similarity = n / (len(mine) + self.sizes[name] - n)
                if similarity > best[0]:
                    best = (similarity, text, name)
        return best
