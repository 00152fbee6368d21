"""What stands around a function to show how it is used; none of it belongs to the program."""

from cases import TOTAL, fenced, some

DEMONSTRATIONS = [
    "xs = [int(x) for x in input().split()]\nresult = total(xs)\nprint(result)\n",
    "xs = [1, 2]\nprint(total(xs))\n",
    "result = 5\nx = 3\n",
    "sum = total([1, 2])\nprint(sum)\n",
    "list = [1, 2]\n",
    "total = total([1, 2, 3])\nprint(total)\n",
    "total_ = total([1])\n",
    "import sys\nxs = list(map(int, sys.stdin.read().split()))\nprint(total(xs))\n",
    "import sys\nxs = sys.argv[1].split()\n",
    'n = int(input("n: "))\n',
    'if __name__ == "__main__":\n    xs = eval(input())\n    print(total(xs))\n',
    "def main():\n    xs = eval(input())\n    print(total(xs))\n\nmain()\n",
    'def main():\n    print(total([1]))\n\nif __name__ == "__main__":\n    main()\n',
    "try:\n    xs = eval(input())\nexcept EOFError:\n    raise\nprint(total(xs))\n",
    "while True:\n    print(total([1]))\n",
    "assert total([1]) == 2\n",
    'assert total([1, 2]) == 3, "no"\nprint("ok")\n',
    "import doctest\ndoctest.testmod()\n",
    (
        "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
        "        self.assertEqual(total([1]), 1)\nunittest.main()\n"
    ),
    (
        'import pytest\n\n@pytest.mark.parametrize("xs", [[1]])\ndef test_total(xs):\n'
        "    assert total(xs) == 1\n"
    ),
    "for x in [[1], [2]]:\n    print(total(x))\n",
    'with open("input.txt") as fh:\n    print(total(eval(fh.read())))\n',
    'xs = open("in.txt").read()\n',
    "exit()\n",
    "quit()\n",
    "import sys\nsys.exit(0)\n",
    "raise SystemExit\n",
    "import numpy as np\nprint(total(np.array([1])))\n",
    "import matplotlib.pyplot as plt\nplt.plot([total([1])])\nplt.show()\n",
    "result = total(List)\n",
    "x, result = total([1]), 2\n",
    "result: int = total([3])\n",
    'print(f"{total([1])}")\n',
    "total([1])\n",
    "res = list(map(total, [[1], [2]]))\n",
    "result = None\nresult = total(undefined)\n",
    "root = TreeNode(5)\n",
    'str = "abc"\nmax = 3\nrange = total([1])\n',
    "int = 3\n",
    "xs = [1]; result = total(xs); print(result)\n",
    "(total([1]))\n",
    "[total([i]) for i in range(3)]\n",
    "lambda: total\n",
    "del x\n",
    "global result\n",
    "time.sleep(100)\n",
    '@app.route("/")\ndef index():\n    return str(total([1]))\n',
    "import time\nstart = time.time()\ntotal([1])\nprint(time.time() - start)\n",
    "cases = [([1], 1), ([], 0)]\nfor xs, result in cases:\n    assert total(xs) == result\n",
    "def check(candidate):\n    assert candidate([1]) == 1\n\ncheck(total)\n",
    "def demo():\n    print(total([1]))\n\ndemo()\n",
    "try:\n    total(None)\nexcept TypeError as e:\n    print(e)\n",
    'print("Result:", total([1]), sep="")\n',
    "from my_module import total\n",
    "import timeit\nprint(timeit.timeit(lambda: total([1]), number=10 ** 12))\n",
    "xs = [1]\nassert total(xs) == 1\ndel xs\n",
    "total = 0\nprint(total)\n",
    "sum = 5\nresult = sum\n",
    "x = List\n",
    "xs: List[int] = [1]\nprint(total(xs))\n",
    'if total([1]) == 1:\n    print("ok")\nelse:\n    raise SystemExit(1)\n',
    'input("Press enter")\n',
    "test_cases = [[1], [2]]\nresults = [total(x) for x in test_cases]\nprint(results)\n",
    "numbers = list(range(10 ** 3))\nprint(total(numbers))\n",
    "print(total.__doc__)\nhelp(total)\n",
    "async def main():\n    print(total([1]))\n\nimport asyncio\nasyncio.run(main())\n",
    (
        "class Demo:\n    result = total([1, 2])\n    def run(self):\n"
        "        print(total([1]))\n\nDemo().run()\n"
    ),
    'result = total([1])\nassert result == 7, f"{result}"\n',
    "import sys\nfor line in sys.stdin:\n    print(total([int(line)]))\n",
    "N = int(input())\nxs = [int(input()) for _ in range(N)]\nprint(total(xs))\n",
    "sum([1, 2])\n",
]

# A function and what it needs, of many words.
LONG = """import math

START = 0

def step(acc, value):
    return acc + value

class Adder:
    def __init__(self, first=START):
        self.state = first
    def add(self, other):
        self.state = step(self.state, other)

def total(xs: List[int]) -> int:
    adder, best = Adder(), None
    rows = [row for row in xs if row is not None]
    for index, x in enumerate(rows):
        adder.add(x)
    try:
        best = max([math.floor(adder.state), adder.state])
    except TypeError as error:
        raise ValueError from error
    pick = lambda item: int(item)
    return pick(best)
"""

# Each of its words, given a value by a demonstration.
WORDS = [
    "xs",
    "adder",
    "best",
    "rows",
    "row",
    "index",
    "x",
    "error",
    "pick",
    "item",
    "acc",
    "value",
    "first",
    "other",
    "state",
    "math",
    "step",
    "Adder",
    "START",
    "List",
    "int",
    "max",
    "enumerate",
    "ValueError",
    "add",
    "self",
    "floor",
    "total",
]

SHOWN = [
    "WORD = 5\n",
    "WORD = [1, 2, 3]\nprint(total(WORD))\n",
    "WORD = total([1, 2])\nprint(WORD)\n",
    "WORD, _ = 1, 2\n",
    "WORD = None\nWORD = total([3])\n",
    "WORD = input()\n",
    "WORD: float = 3\n",
    "WORD = {}\nWORD['a'] = 1\n",
    "WORD = sorted([2, 1])\nassert total(WORD) == 3\n",
    "import time\nWORD = time.time()\n",
    "for WORD in [[1], [2]]:\n    print(total(WORD))\n",
    "print('a')\nWORD = 'a'\nprint(WORD)\n",
]


def demonstrations():
    """Code behind or before the function shows how it is used."""
    loop = (
        "def total(xs: List[int]) -> int:\n    result = 0\n    for x in xs:\n"
        "        result += x\n    return result\n"
    )
    for shown in DEMONSTRATIONS:
        some(
            "demonstration",
            [
                f"{loop}\n{shown}",
                fenced(f"{loop}\n{shown}"),
                loop.split("\n", 1)[1] + "\n" + shown,
                f"{fenced(loop)}Usage:\n{fenced(shown)}",
                f"{fenced(shown)}x y z\n{fenced(loop)}",
            ],
            2,
            prompt=TOTAL,
        )
    for at, word in enumerate(WORDS):
        for template in (SHOWN + SHOWN)[at % len(SHOWN) :][:2]:
            shown = template.replace("WORD", word)
            some(
                "demonstration of words",
                [
                    f"{LONG}\n{shown}",
                    f"{fenced(LONG)}Try:\n{fenced(shown)}",
                ],
                1,
                prompt=TOTAL,
            )
