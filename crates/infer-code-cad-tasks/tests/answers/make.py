"""Answers as models write them, with the verdict that the program in each deserves.

    python make.py      (Python 3, no packages; writes answers.jsonl; the cases are in the files beside it)

One object a line: `kind`, the `prompt`, the `text` of a model, and what is `expected` of the program
cut out of it under the asserts in `corpus.rs`: `passed` or `failed`. A text is expected to fail only
where Python, given the text or prompt and text, fails too.
"""

import json
from pathlib import Path

import around
import definitions
from cases import cases
from demonstrations import demonstrations

GROUPS = [
    around.headings,
    definitions.several_definitions,
    definitions.blocks,
    definitions.rebinding,
    definitions.torn,
    definitions.restated,
    around.thinking,
    around.marks,
    around.fences,
    definitions.future,
    demonstrations,
    definitions.loading,
    around.prose,
]


def main():
    for group in GROUPS:
        group()
    lines = [
        json.dumps({"kind": kind, "prompt": prompt, "text": text, "expected": expected})
        for (prompt, text), (kind, expected) in cases.items()
    ]
    Path(__file__).with_name("answers.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
