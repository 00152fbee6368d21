"""What the groups of answers share: two tasks, a right and a wrong function, the list of cases."""

AREA = 'def area(w, h):\n    """Return the area of a rectangle."""\n'
TOTAL = (
    "from typing import List\n\n\n"
    'def total(xs: List[int]) -> int:\n    """Return the sum of xs."""\n'
)
RIGHT = "def area(w, h):\n    return w * h\n"
WRONG = "def area(w, h):\n    return w + h\n"
BODY = "    return w * h\n"
PASS, FAIL = "passed", "failed"

cases = {}
taken = {}


def case(kind, text, expected=PASS, prompt=AREA):
    """Take a text down, unless it is there already."""
    cases.setdefault((prompt, text), (kind, expected))


def some(kind, layouts, count=2, expected=PASS, prompt=AREA):
    """Take down some of the layouts of a text: others with every call."""
    taken[kind] = start = taken.get(kind, 0) + 1
    for at in range(count):
        case(kind, layouts[(start + at * len(layouts) // count) % len(layouts)], expected, prompt)


def fenced(code, language="python"):
    return f"```{language}\n{code}```\n"


def indented(code, margin="    "):
    return "".join(margin + line if line.strip() else line for line in code.splitlines(True))
