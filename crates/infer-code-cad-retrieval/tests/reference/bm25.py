"""Writes bm25.json: BM25 scores of a small collection from bm25s (Lucene's variant) in float64.

Needs bm25s 0.3. The formula is also computed here in plain Python, so that a change of either shows.
The texts hold no identifiers of several parts and the queries no stop words: a word is `\\w+` in lower case.
"""

import json
import math
import re
from pathlib import Path

import bm25s

PASSAGES = [
    ("sorted(iterable, key, reverse)", "Return a new sorted list from the items in iterable."),
    ("list sort(key, reverse)", "Sort the list in place. The sort is stable; None is returned."),
    ("zip(iterables)", "Iterate over several iterables in parallel."),
    ("dict items()", "A view of the items of a dict, as pairs of key and value. Items are ordered."),
    ("str join(iterable)", "Join the strings in iterable; the string is put between them."),
    ("", "list list list list"),
    ("empty", ""),
    ("Größe", "Die Größe der Liste; ça va, naïve 3 14."),
]
QUERIES = [
    "sort list",
    "sorted items iterable key",
    "list",
    "key key value",
    "ITEMS, Key: größe?",
    "join strings nothing known: xyzzy",
]
CONFIGS = [(1.2, 0.75), (1.2, 0.0), (0.0, 0.75), (0.9, 0.4), (2.0, 1.0)]


def words(text):
    return re.findall(r"\w+", text.lower())


def plain_scores(documents, query, k1, b):
    n = len(documents)
    average = sum(map(len, documents)) / n
    scores = []
    for document in documents:
        score = 0.0
        for term in query:
            df = sum(term in other for other in documents)
            tf = document.count(term)
            idf = math.log(1 + (n - df + 0.5) / (df + 0.5))
            norm = k1 * (1 - b + b * len(document) / average)
            score += idf * tf / (tf + norm) if tf else 0.0
        scores.append(score)
    return scores


documents = [words(f"{title}\n{text}") for title, text in PASSAGES]
cases = []
for k1, b in CONFIGS:
    index = bm25s.BM25(method="lucene", k1=k1, b=b, dtype="float64")
    index.index(documents, show_progress=False)
    known = {word for document in documents for word in document}
    for query in QUERIES:
        terms = words(query)
        scores = [float(s) for s in index.get_scores([t for t in terms if t in known])]
        expected = plain_scores(documents, terms, k1, b)
        assert all(math.isclose(s, e, rel_tol=1e-12) for s, e in zip(scores, expected)), query
        cases.append({"k1": k1, "b": b, "query": query, "scores": scores})

passages = [
    {"id": str(i), "title": title, "text": text} for i, (title, text) in enumerate(PASSAGES)
]
with open(Path(__file__).with_suffix(".json"), "w") as out:
    json.dump({"passages": passages, "cases": cases}, out, ensure_ascii=False, indent=1)
    out.write("\n")
