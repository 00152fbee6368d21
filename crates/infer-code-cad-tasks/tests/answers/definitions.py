"""Where the definition of the function is, and what it needs."""

from pathlib import Path

from cases import AREA, BODY, FAIL, RIGHT, TOTAL, WRONG, case, fenced, indented, some


def several_definitions():
    """More than one definition of the function."""
    other = "def area(w, h):\n    s = 0\n    for _ in range(w): s += h\n    return s\n"
    between = [
        "",
        "\n\n",
        "print(area(1, 2))\n\n",
        "assert area(1, 2) == 3\n",
        "x = area(1, 2)\n",
        "del area\n",
        "# Better:\n",
        "old = area\n",
        "import operator\n",
        "K = 1\n",
        "def twice(x):\n    return 2 * x\n",
        "class A:\n    pass\n",
        "if area(1, 2) != 2:\n    print('no')\n",
        '"""Better:"""\n',
        "pass\n",
        "for i in range(2):\n    print(area(i, i))\n",
        "area = None\n",
        "@staticmethod\n",
        "...\n",
        "try:\n    area()\nexcept TypeError:\n    pass\n",
    ]
    for code in between:
        case("several definitions", WRONG + code + RIGHT)
        case("several definitions", fenced(WRONG + code + RIGHT))
        case("several definitions", fenced(f"{RIGHT}{code}{WRONG}"), FAIL)
    case("several definitions", WRONG + RIGHT + WRONG + RIGHT)
    case("several definitions", WRONG + "area = lambda w, h: w * h\n")
    case("several definitions", "area = lambda w, h: w + h\n" + RIGHT)
    case("several definitions", WRONG + "if True:\n" + indented(RIGHT))
    case(
        "several definitions",
        f"try:\n    import nothing\n{indented(WRONG)}except ImportError:\n{indented(RIGHT)}",
    )
    case(
        "several definitions",
        WRONG + "class area:\n    def __new__(cls, w, h):\n        return w * h\n",
    )
    case("several definitions", fenced(RIGHT) + "Alternatively:\n" + fenced(WRONG))
    case("several definitions", fenced(RIGHT) + "Another approach:\n" + fenced(other))
    case("several definitions", fenced(WRONG + "\n" + other) + "Done.\n")
    case("several definitions", fenced(f"{RIGHT}\ndef area(w, h):\n    return w *"))
    case("several definitions", fenced(f"{RIGHT}\ndef area(w, h):\n    pass\n"))
    case("several definitions", fenced(f"{RIGHT}\ndef area(w, h):\n    ...\n"))
    case("several definitions", f'{RIGHT}\ndef area(w, h):\n    """Return the area."""\n')
    case("several definitions", f"{RIGHT}\nA slower one:\n\n{WRONG}")
    case("several definitions", f"{BODY}\n\ndef area(w, h):\n    return w + h\n", FAIL)
    case("several definitions", f"{RIGHT}\n_old = area\ndef area(*a):\n    return _old(*a)\n")
    helper = "def times(a, b):\n    return {}\n"
    case(
        "several definitions",
        helper.format("a + b") + helper.format("a * b") + RIGHT.replace("w * h", "times(w, h)"),
    )
    case(
        "several definitions",
        helper.format("a + b") + RIGHT.replace("w * h", "times(w, h)") + helper.format("a * b"),
    )
    case("several definitions", RIGHT.replace("w * h", "K * w * h") + "K = 2\nK = 1\n")
    case("several definitions", "K = 2\n" + RIGHT.replace("w * h", "K * w * h") + "\nK = 1\n")


def blocks():
    """What the function needs stands in a block of its own."""
    needs = [
        ("def times(a, b):\n    return a * b\n", "times(w, h)"),
        ("import operator\n", "operator.mul(w, h)"),
        ("import operator as op\n", "op.mul(w, h)"),
        ("from operator import mul as m\n", "m(w, h)"),
        ("from operator import *\n", "mul(w, h)"),
        ("import os.path\n", "w * h * len(os.path.join('a'))"),
        ("ONE = 1\n", "w * h * ONE"),
        ("ONE, TWO = 1, 2\n", "w * h * ONE"),
        ("ONE: int = 1\n", "w * h * ONE"),
        ("ZERO = ONE = 1\n", "w * h * ONE"),
        ("N = 2\nONE = N - 1\n", "w * h * ONE"),
        ("N = 0\nN += 1\n", "w * h * N"),
        (
            "T = {}\nfor i in range(20):\n    for j in range(20):\n        T[i, j] = i * j\n",
            "T[w, h]",
        ),
        ("T = [i for i in range(50)]\n", "T[w] * h"),
        ("T = []\nT.append(1)\n", "w * h * T[0]"),
        ("T = {}\nT.update(one=1)\n", "w * h * T['one']"),
        ("times = lambda a, b: a * b\n", "times(w, h)"),
        ("def u(a, b):\n    return a * b\n\ndef t(a, b):\n    return u(a, b)\n", "t(w, h)"),
        ("class Box:\n    def __init__(self, w, h):\n        self.a = w * h\n", "Box(w, h).a"),
        ("class Base:\n    K = 1\n\nclass Box(Base):\n    pass\n", "w * h * Box.K"),
        ("from collections import namedtuple\nR = namedtuple('R', 'w h')\n", "R(w, h).w * h"),
        (
            (
                "from dataclasses import dataclass\n\n@dataclass\nclass R:\n    w: int\n"
                "    h: int = 1\n"
            ),
            "R(w, h).w * h",
        ),
        ("import enum\nclass E(enum.Enum):\n    A = 1\n", "w * h * E.A.value"),
        (
            "import functools\n@functools.cache\ndef times(a, b):\n    return a * b\n",
            "times(w, h)",
        ),
        ("import operator\ntimes = operator.mul\n", "times(w, h)"),
        (
            "from functools import partial\nimport operator\ntimes = partial(operator.mul)\n",
            "times(w, h)",
        ),
        ("def times(a, b):\n    return a * b\nOPS = {'*': times}\n", "OPS['*'](w, h)"),
        ("if True:\n    ONE = 1\n", "w * h * ONE"),
        ("try:\n    from operator import mul\nexcept ImportError:\n    mul = None\n", "mul(w, h)"),
        (
            (
                "import sys\nif sys.version_info[0] == 2:\n    mul = None\nelse:\n"
                "    def mul(a, b):\n        return a * b\n"
            ),
            "mul(w, h)",
        ),
        (
            "def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\nF5 = fact(5)\n",
            "w * h * F5 // 120",
        ),
        ("with open(__import__('os').devnull) as f:\n    ONE = 1\n", "w * h * ONE"),
        ("def gen(w, h):\n    yield w * h\n", "next(gen(w, h))"),
        ("async def f(w, h):\n    return w * h\nimport asyncio\n", "asyncio.run(f(w, h))"),
        ("MOD = 10 ** 9 + 7\nINF = float('inf')\n", "min(w * h % MOD, INF)"),
    ]
    for need, value in needs:
        main = f"def area(w, h):\n    return {value}\n"
        some(
            "block of its own",
            [
                f"First:\n{fenced(need)}Then:\n{fenced(main)}",
                f"First:\n{fenced(main)}where\n{fenced(need)}",
                f"First:\n\n{need}\nThen, with it:\n\n{main}",
                main + need,
                f"{main}\nwith the helper\n\n{need}",
                f"{fenced(need)}{fenced(main)}Usage:\n{fenced('print(area(2, 3))')}",
                f"    return {value}\n\n{need}",
            ],
            2,
        )
    deco = "def deco(f):\n    def g(*a):\n        return f(*a)\n    return g\n"
    case("block of its own", fenced(deco) + "Then:\n" + fenced("@deco\n" + RIGHT))
    case("block of its own", fenced("@deco\n" + RIGHT) + "where\n" + fenced(deco))
    case(
        "block of its own",
        fenced(RIGHT) + "Usage:\n" + fenced("print(area(2, 3))\nassert area(2, 3) == 7\n"),
    )
    case("block of its own", fenced("print(area(2, 3))\n") + "Code:\n" + fenced(RIGHT))
    needing = "def area(w, h):\n    return Box(w).a * h\n"
    box = "class Box(Base):\n    def __init__(self, w):\n        self.a = w\n"
    case("block of its own", f"{needing}{box}class Base:\n    pass\n", FAIL)
    case(
        "block of its own", fenced(box) + fenced("class Base:\n    pass\n") + fenced(needing), FAIL
    )


def rebinding():
    """The name is given to something else than a function of that name."""
    method = "class Box:\n    def area(self, w, h):\n        return w * h\n"
    static = "class Box:\n    @staticmethod\n    def area(w, h):\n        return w * h\n"
    klass = static.replace("static", "class").replace("(w", "(cls, w")
    for text in [
        f"import functools\n\n{RIGHT}\narea = functools.lru_cache(area)\n",
        f"from functools import lru_cache\n\n{RIGHT}\narea = lru_cache(maxsize=None)(area)\n",
        f"def twice(f):\n    return lambda *a: f(*a)\n\n{RIGHT}\narea = twice(area)\n",
        f"{WRONG}{method}area = Box().area\n",
        "area = lambda w, h: w * h\n",
        "from typing import Callable\narea: Callable = lambda w, h: w * h\n",
        "def rect(w, h):\n    return w * h\n\narea = rect\n",
        "def rect(w, h):\n    return w * h\n\nsurface = rect\narea = surface\n",
        "def rect(w, h):\n    return w * h\n\nsize = area = rect\n",
        "def rect(w, h):\n    return w * h\n\narea, other = rect, None\n",
        "def rect(w, h):\n    return w * h\n\nif True:\n    area = rect\n",
        "rect = lambda w, h: w * h\narea = rect\n",
        "def rect(w, h):\n    return w * h\n\narea = lambda w, h: rect(w, h)\n",
        (
            "def rect(w, h):\n    return w * h\n\ndef area(*args, **kwargs):\n"
            "    return rect(*args, **kwargs)\n"
        ),
        "import operator\narea = operator.mul\n",
        "from operator import mul\narea = mul\n",
        "from operator import mul as area\n",
        (
            "from functools import partial\ndef g(k, w, h):\n    return k * w * h\n"
            "area = partial(g, 1)\n"
        ),
        (
            "def make(k):\n    def inner(w, h):\n        return k * w * h\n"
            "    return inner\n\narea = make(1)\n"
        ),
        (
            "def make():\n    n = 0\n    def area(w, h):\n        nonlocal n\n"
            "        n += 1\n        return w * h\n    return area\narea = make()\n"
        ),
        f"{static}\narea = Box.area\n",
        f"{klass}\narea = Box.area\n",
        f"{method}\nbox = Box()\narea = box.area\n",
        f"{method}\narea = Box().area\n",
        f"{method}\narea = lambda w, h: Box().area(w, h)\n",
        f"{method}\ndef area(w, h):\n    return Box().area(w, h)\n",
        f"{method}\ndef area(w, h):\n    box = Box()\n    return box.area(w, h)\n",
        (
            "class Base:\n    def area(self, w, h):\n        return w * h\n"
            "class Box(Base):\n    pass\narea = Box().area\n"
        ),
        "class Area:\n    def __call__(self, w, h):\n        return w * h\n\narea = Area()\n",
        (
            "class Outer:\n    class Inner:\n        def area(self, w, h):\n"
            "            return w * h\narea = Outer.Inner().area\n"
        ),
        (
            "class Meta(type):\n    def __call__(cls, w, h):\n        return w * h\n"
            "class area(metaclass=Meta):\n    pass\n"
        ),
        "class area:\n    def __new__(cls, w, h):\n        return w * h\n",
        "class area(int):\n    def __new__(cls, w, h):\n        return int.__new__(cls, w * h)\n",
        (
            "class Solution:\n    def area(self, w, h):\n        return w * h\n\n"
            "solution = Solution()\narea = solution.area\n"
        ),
        "if True:\n    def area(w, h):\n        return w * h\n",
        "if True:\n    area = lambda w, h: w * h\n",
        "for _ in range(1):\n    def area(w, h):\n        return w * h\n",
        f"{RIGHT}\narea.__doc__ = 'x'\n",
        f"{RIGHT}\nrect = area\n",
        f"{RIGHT}\narea = staticmethod(area).__func__\n",
        "def area(w, h):\n    return w * h\narea = area\n",
    ]:
        some(
            "rebinding",
            [
                text,
                fenced(text + "\nprint(area(2, 3))\n"),
                f"Like this:\n\n{text}\nprint(area(2, 3))\n\nIt's short.\n",
            ],
            1,
        )


def torn():
    """The token limit cuts off the last line."""
    for line in [
        "    unused = w +",
        "    if w",
        "    for x in",
        '    print("',
        "    x = [1, 2,",
        '    """',
        "    return",
        "    # comment that is",
        "    x = w.",
        "    try:\n        x = 1",
        "    while True:",
        "    else",
        "    try:\n        x = 1\n    except Val",
        "    assert w ==",
        "    @",
        "    def inner(",
        "    class A",
        "    def inner(x):",
        "    with open",
        '    x = f"{w',
        "    lambda",
        "    del",
        "    import",
        "    raise",
        "    from x",
        "    elif w",
        "    x = y = ",
        "    if w:\n        if h:\n            x",
        "    x = lambda",
        '    x = {\n        "a": 1',
        "    for i in range(3):\n        try:\n            y = 1\n        except",
        "    x = w if",
        "    x = w if h else",
        "    x = not",
        "    x = w and",
        "    x = w is not",
        "    x = (",
        "    x = '",
        "    x = w \\",
        "    x = w[",
        "    x = w[1:",
        "    x: int =",
        "    x: List[",
        "    x +=",
        "    async def",
        "    await",
        "    yield from",
        "    nonlocal",
        "    global",
        "    match w:",
        "    match w:\n        case",
        "    with a as",
        "    except",
        "    finally:",
        "    from x import (",
        "    from x import a,",
        "    import a as",
        "    x = {",
        "    x = {1: ",
        "    x = [i for",
        "    f(*",
        "    x = [i for i in range(3) if",
        "    @cache\n    def",
        "    def inner(x, y=",
        "    print(f'{w!",
        "    def inner(x) ->",
        "    class A(B",
        "    x = '''a\n",
        "    x = r'",
        "    x = b'",
        "    x = 0x",
        "    x = 1e",
        "    x = 1 if w else lambda",
        "    try",
        "    try:",
        "    while",
        "    raise X from",
        "    for i, (a, b) in",
        "    assert w, '",
        "    if (x :=",
        "    return w if h else",
        "    return (",
        "    return [",
        "    return w *",
        "    return 'a",
        "    return not",
        "    x = w <",
        "    x = ~",
    ]:
        top = "\n".join(part[4:] for part in line.split("\n"))
        some(
            "torn line",
            [
                f"{BODY}\n{line}",
                f"{RIGHT}\n{line}",
                f"```python\n{RIGHT}\n{line}",
                f"{RIGHT}\n{top}",
                f"{RIGHT}\ndef other(x):\n{line}",
                f"    product = w * h\n    return product\n{line}",
            ],
            2,
        )


def restated():
    """The task, or a stub of the function, stands before the answer."""
    for stub in [
        AREA,
        f"{AREA}    pass\n",
        f"{AREA}    ...\n",
        f"{AREA}    # TODO\n",
        f"{AREA}    raise NotImplementedError\n",
        f"{AREA}    # Your code here\n    pass\n",
        f"{AREA}    raise NotImplementedError('later')\n",
        f"{AREA}    pass  # later\n",
        f"{AREA}\n",
        f"{AREA}    '''More.'''\n    ...\n",
        f"{AREA}    return ...\n",
        f"{AREA}    return NotImplemented\n",
        f"{AREA}    # code\n    # more\n",
        "def area(w, h): ...\n",
        "def area(w, h): pass\n",
        "def area(w, h):\n",
        "def area(w, h):\n    pass\n",
        "def area(w, h) -> int:\n    ...\n",
        f'"""\n{indented("Return the area.", "")}\n"""\n{AREA}',
        f"{AREA}    return None\n",
        f"{AREA}    return\n",
        "def area(width: int, height: int) -> int:\n    '''x'''\n    pass\n",
        f"{AREA}    <your code>\n",
    ]:
        some(
            "restated",
            [
                f"{fenced(stub)}Here it is:\n{fenced(RIGHT)}",
                f"{stub}\nThe answer:\n\n{RIGHT}",
                f"{stub}\n{fenced(RIGHT)}",
                fenced(f"{stub}\n\n{RIGHT}"),
                f"{fenced(stub)}Here it is:\n{fenced(AREA + BODY)}",
            ],
            2,
        )
    case("restated", AREA + BODY)
    case("restated", fenced(AREA) + "so\n" + fenced(BODY))
    case("restated", fenced(AREA) + "\n" + BODY)
    case("restated", fenced(f"{RIGHT}\n{AREA}    pass\n"))
    case("restated", RIGHT + "\ndef area(w, h):\n")
    case("restated", '"""\n' + AREA + BODY)
    case("restated", "'''\n" + RIGHT)
    case("restated", f"Problem: {AREA}\nAnswer:\n{RIGHT}")
    case("restated", f"### Task\n{AREA}\n### Response\n{RIGHT}")
    case(
        "restated",
        (
            f"Complete:\n{fenced(AREA)}\nResult:\n{fenced(RIGHT)}\nUsage:\n"
            f"{fenced('print(area(2, 3))')}"
        ),
    )
    whole = TOTAL + "    return sum(xs)\n"
    for text in [
        whole,
        fenced(whole),
        fenced(TOTAL) + fenced(whole),
        TOTAL + "\n" + fenced(whole),
        f"{TOTAL}    pass\n\n{whole}",
    ]:
        case("restated", text, prompt=TOTAL)


def future():
    """`from __future__` stands behind what must not stand before it."""
    first = "from __future__ import annotations\n"
    code = "def total(xs: List[int]) -> int:\n    return sum(xs)\n"
    for line in [
        first,
        "from __future__ import annotations, division\n",
        "from __future__ import (\n    annotations,\n)\n",
        "from __future__ import print_function  # old\n",
        "from __future__ import annotations as a\n",
        first + "from __future__ import division\n",
        '"""Doc."""\n' + first,
        "# -*- coding: utf-8 -*-\n" + first,
        "import math\n" + first,
        first + "import math\n\nK = math.pi\n",
        "'''Doc.\n\nMore.'''\n\n" + first + "import math\n",
    ]:
        some(
            "future import",
            [
                f"{line}\n\n{code}",
                fenced(line + code),
                f"{line}{TOTAL}    return sum(xs)\n",
                fenced(line) + fenced(code),
                f"    return sum(xs)\n\n{line}",
                f"Sure:\n\n{line}\n{code}\nDone.\n",
                f"{code}{line}",
                fenced(code) + fenced(line),
            ],
            5,
            prompt=TOTAL,
        )


def loading():
    """Code that runs when the program is loaded, and forms of functions."""
    for text in Path(__file__).with_name("modules.txt").read_text().split("----\n"):
        some("module", [text, fenced(text)], 1)
