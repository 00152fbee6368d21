"""Checks the embedded benchmark against the training stream, with the standard library only.

`python3 training/check.py [--humaneval PATH] [--mbpp PATH]` exits with 1 and says why if a rule is broken:
no held-out composition, family, definition or term in training; no benchmark docstring or body in training; every
canonical solution passes its tests; the data files are what the generator makes; nothing is near HumanEval or MBPP.
"""

import argparse
import json
import pathlib
import re
import sys

from benchmark import DATA, files
from holdout import HELD_OUT_FAMILIES, held_out
from nearness import Nearness, body_tokens, doc_tokens, read_references
from prompts import CONTEXT_LEAD
from stream import N_SAMPLES, SEED, sample

# Highest Jaccard similarity of token 5-grams to a docstring or body of HumanEval or MBPP, and the shortest texts compared:
# below 20 tokens, one loop or one comprehension, code has too few forms to tell a copy from a coincidence.
DOC_LIMIT, DOC_TOKENS = 0.3, 6
BODY_LIMIT, BODY_TOKENS = 0.85, 20


def main():
    """Runs every check and reports in one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--humaneval", type=pathlib.Path, help="HumanEval.jsonl or .jsonl.gz")
    parser.add_argument("--mbpp", type=pathlib.Path, help="mbpp.jsonl")
    args = parser.parse_args()
    rows = [json.loads(line) for line in (DATA / "problems.jsonl").read_text().splitlines()]
    check_files()
    check_benchmark(rows)
    docs, bodies = check_stream(rows)
    docs.update(docstring(row["prompt"]) for row in rows)
    bodies.update(row["canonical_solution"] for row in rows)
    references = read_references(args.humaneval, args.mbpp)
    if references:
        check_nearness(
            "docstring",
            docs,
            Nearness([(r.name, doc_tokens(r.doc)) for r in references], DOC_TOKENS),
            doc_tokens,
            DOC_LIMIT,
        )
        check_nearness(
            "body",
            bodies,
            Nearness([(r.name, body_tokens(r.body)) for r in references], BODY_TOKENS),
            body_tokens,
            BODY_LIMIT,
        )


def fail(message):
    """Ends the check."""
    print("FAILED: " + message)
    sys.exit(1)


def check_files():
    """The committed files are the generator's."""
    for name, text in files().items():
        if (DATA / name).read_text() != text:
            fail("data/%s differs from what training/benchmark.py writes" % name)
    print("data files: as generated")


def check_benchmark(rows):
    """Canonical solutions pass, sizes are as promised."""
    for row in rows:
        scope = {}
        exec(row["prompt"] + row["canonical_solution"] + "\n" + row["test"], scope)  # our own generated code
        try:
            scope["check"](scope[row["entry_point"]])
        except Exception as error:
            fail("%s: the canonical solution fails: %r" % (row["task_id"], error))
        if row["test"].count("assert ") < 3:
            fail("%s has fewer than three asserts" % row["task_id"])
    n_terms = sum(row["term"] is not None for row in rows)
    n_passages = len((DATA / "passages.jsonl").read_text().splitlines())
    if len(rows) < 120 or n_terms < 40 or n_passages < 300:
        fail("%d problems, %d with a term, %d passages" % (len(rows), n_terms, n_passages))
    print("benchmark: %d problems, %d with a term, %d passages; all solutions pass" % (len(rows), n_terms, n_passages))


def check_stream(rows):
    """Goes through the whole training stream; returns its docstrings and bodies."""
    passages = [json.loads(line) for line in (DATA / "passages.jsonl").read_text().splitlines()]
    bench_terms = {row["term"] for row in rows} - {None}
    definitions = {p["text"] for p in passages if p["id"] in {row["passage_id"] for row in rows}}
    bench_docs, bench_bodies = {docstring(row["prompt"]) for row in rows}, {row["canonical_solution"] for row in rows}
    docs, bodies, keys = set(), set(), set()
    for i in range(N_SAMPLES):
        problem, _, prompt, _ = sample(SEED, i)
        if problem.family in HELD_OUT_FAMILIES:
            fail("sample %d is of the held-out family %s" % (i, problem.family))
        if problem.term and held_out("term/" + problem.term):
            fail("sample %d uses the reserved term %s" % (i, problem.term))
        if CONTEXT_LEAD in prompt:
            title, text = prompt.split(CONTEXT_LEAD, 1)[1].split(" \n\n ", 1)[0].split("\n", 1)
            if text in definitions or any(term in bench_terms for term in word_pairs(title)):
                fail("sample %d shows a benchmark definition: %s" % (i, text))
        keys.update(problem.keys)
        docs.add(problem.doc)
        bodies.add(problem.solution)
    for key in keys:
        if held_out(key):
            fail("the held-out composition %s occurs in training" % key)
    for name, mine, theirs in (("docstring", bench_docs, docs), ("body", bench_bodies, bodies)):
        if mine & theirs:
            fail("benchmark %s in training:\n%s" % (name, "\n".join(sorted(mine & theirs))))
    print(
        "stream: %d samples, %d compositions, %d docstrings, %d bodies; nothing held out occurs"
        % (N_SAMPLES, len(keys), len(docs), len(bodies))
    )
    return docs, bodies


def check_nearness(what, texts, nearness, tokenise, limit):
    """The nearest benchmark problem over all texts stays below the limit."""
    share, text, name = nearness.nearest(texts, tokenise)
    print("nearest %s: %.2f (limit %.2f) to %s: %s" % (what, share, limit, name, " ".join(text.split())))
    if share > limit:
        fail("a %s is near %s" % (what, name))


def docstring(prompt):
    """The text between the quotes."""
    return prompt.split('"""')[1]


def word_pairs(title):
    """Neighbouring words of a title, as terms are pairs of words."""
    words = re.findall(r"\w+", title)
    return [" ".join(pair) for pair in zip(words, words[1:])]


if __name__ == "__main__":
    main()
