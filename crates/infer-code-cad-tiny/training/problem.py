"""The one record every family returns, and the three prompts parts made from it."""

from dataclasses import dataclass, field
from typing import Optional, Tuple

FUNCTION_NAMES = (
    "f",
    "g",
    "h",
    "fn",
    "func",
    "solve",
    "task",
    "compute",
    "run",
    "process",
    "answer",
    "result",
    "apply",
    "transform",
    "calc",
    "evaluate",
    "main",
    "solution",
)


@dataclass(frozen=True)
class Problem:
    """A function to write: what is said about it, and a body that is right."""

    family: str
    level: int  # 1, 2 or 3
    keys: Tuple[str, ...]  # composition keys; held_out() decides on each
    params: Tuple[Tuple[str, str], ...]  # (argument name, kind of input)
    doc: str  # docstring without the quotes
    body: Tuple[str, ...]  # lines, indented relative to the function's body
    steps: Tuple[str, ...]  # the outline of a chain of thought
    name: str = "f"
    term: Optional[str] = None  # invented word that only a passage explains
    passage: Optional[Tuple[str, str]] = field(default=None)  # (title, text)

    @property
    def signature(self):
        """`def f(xs, k):`, without a newline."""
        return "def %s(%s):" % (self.name, ", ".join(name for name, _ in self.params))

    @property
    def prompt(self):
        """Signature and docstring, as HumanEval prompts are laid out."""
        return '%s\n    """%s"""\n' % (self.signature, self.doc)

    @property
    def solution(self):
        """The body with its four spaces, so that prompt + solution is a program."""
        return "".join("    %s\n" % line for line in self.body)
