"""What stands around a program: headings, thinking, marks, fences, prose."""

from cases import BODY, RIGHT, WRONG, case, fenced, indented, some


def headings():
    """Headings, outlines and prose that happens to be Python."""
    for text in [
        "Solution (direct)",
        "Answer (short):",
        "Approach",
        "Solution:",
        "# Solution",
        "Step 1",
        "Explanation (why)",
        "Idea: multiply",
        "Time: O(1)",
        "Space: O(1)",
        "Area (w, h)",
        "Code",
        "Complexity: O(n) time",
        "**Solution**",
        "### Code",
        "Result = product",
        "===",
        "---",
        "Input: w, h\nOutput: int",
        "Note: it works",
        "1. multiply\n2. return",
        "a) multiply",
        "Algorithm:\n- multiply",
        "Sure",
        "Okay",
        "Answer",
        "Time = O(1)",
        "Runtime: O(w * h)",
        "Example: area(2, 3) = 6",
        "area(2, 3) -> 6",
        "area (2, 3)",
        "Steps:\n  1. take w\n  2. take h",
        "w: width\nh: height",
        "Returns: int",
        "Parameters\n----------\nw : int\nh : int",
        "Python",
        "python",
        "python3",
        "Python 3:",
        "Method 1 (loops)",
        "Tip: use *",
        "return the product",
        "multiply(w, h)",
        "- w\n- h",
        "* w\n* h",
        "+ multiply",
        "[x] done",
        "Complexity (time): O(1)\nComplexity (space): O(1)",
        "Formula: area = w * h",
        "A = w * h",
        "Why? Because w * h",
        "If w is 0: return 0",
        "for w and h:",
        "Edge cases: none",
        "Q: area?",
        "Final answer",
        "'area' multiplies",
        '"area" multiplies',
        "`area(w, h)`",
        "Hint: w, h",
        "I. Multiply\nII. Return",
        "i) multiply;\nii) return",
        "(a) multiply",
        "1) w\n2) h",
        "etc...",
        "Solution 1: brute force",
        "Correctness (proof):",
        "with w and h given",
        "import needed: none",
        "Test (manually)",
        "Check: area(1, 1) == 1",
        "Walkthrough\n\nw, h\n",
        "--\n",
        "<b>Code</b>",
    ]:
        some(
            "heading",
            [
                f"{text}\n\n{RIGHT}",
                f"{text}\n\n{fenced(RIGHT)}",
                fenced(f"{text}\n\n{RIGHT}"),
                f"{RIGHT}\n{text}\n",
                f"{fenced(RIGHT)}\n{text}\n",
                f"{BODY}\n{text}\n",
            ],
            2,
        )


def thinking():
    """Drafts stand in a part that is no answer."""
    drafts = [
        WRONG,
        fenced(WRONG),
        f"maybe\n{WRONG}",
        f"```python\n{WRONG}",
        "add them",
        "",
        f'It\'s """odd\n{WRONG}',
    ]
    for tag in ["think", "thinking", "thought", "reasoning"]:
        for draft in drafts:
            case("thinking", f"<{tag}>\n{draft}\n</{tag}>\n\n{fenced(RIGHT)}")
            case("thinking", f"<{tag}>\n{draft}\n</{tag}>\n\n{RIGHT}")
        some(
            "thinking",
            [
                f"<{tag}>\n{WRONG}\n</{tag}>\n{BODY}",
                f"maybe\n{fenced(WRONG)}</{tag}>\n{RIGHT}",
                f"<{tag}>add them</{tag}>{RIGHT}",
                f"<{tag}>\n{RIGHT}</{tag}>\n",
                f"<{tag}>\n{WRONG}</{tag}>\n<answer>\n{RIGHT}</answer>",
            ],
            4,
        )
    case("thinking", f"[THINK]{WRONG}[/THINK]{RIGHT}")
    case("thinking", f"<think>a</think>\n<think>\n{WRONG}</think>\n{RIGHT}")
    case("thinking", f"<think>\nthe tag </think> ends it\n{WRONG}</think>\n{RIGHT}")
    for end in ["<|end|><|start|>assistant", ""]:
        case(
            "thinking",
            f"<|channel|>analysis<|message|>{WRONG}{end}<|channel|>final<|message|>{fenced(RIGHT)}",
        )
        case(
            "thinking",
            f"<|channel|>analysis<|message|>{WRONG}{end}<|channel|>final<|message|>{RIGHT}",
        )
    case(
        "thinking",
        fenced('def area(w, h):\n    """Strip\n    </think>\n    """\n    return w * h\n')
        + "ok\n",
    )
    case(
        "thinking", "def area(w, h):\n    s = '</think>'\n    return w * h if len(s) == 8 else 0\n"
    )
    case(
        "thinking",
        "Sure:\n"
        + fenced("def area(w, h):\n    s = '</think>'\n    return w * h if len(s) == 8 else 0\n"),
    )
    case("thinking", f"Sure:\n{fenced('# </think>' + chr(10) + RIGHT)}")


def marks():
    """Special tokens are left in the text."""
    for mark in [
        "<|endoftext|>",
        "</s>",
        "<|im_end|>",
        "<|eot_id|>",
        "<end_of_turn>",
        "<|EOT|>",
        "<|end_of_text|>",
        "<eos>",
        "<\uff5cend\u2581of\u2581sentence\uff5c>",
        "<|end|>",
        "<|eom_id|>",
    ]:
        some(
            "end mark",
            [
                f"    return w * h{mark}",
                f"    return w * h\n{mark}\n",
                fenced(RIGHT) + mark,
                f"```python\n{RIGHT}{mark}",
                f"{RIGHT}{mark}\n{WRONG}",
                RIGHT.strip() + mark,
                f"    return w * h{mark * 3}",
                f"{RIGHT}{mark}user\nNow do it wrong\n{WRONG}",
                mark + RIGHT,
                (
                    f'def area(w, h):\n    s = "{mark}"\n'
                    f"    return w * h if len(s) == {len(mark)} else 0\n"
                ),
                fenced(
                    (
                        f"def area(w, h):\n    s = '{mark}'\n"
                        f"    return w * h if len(s) == {len(mark)} else 0\n"
                    )
                )
                + mark,
                (
                    f'def area(w, h):\n    """Ends with {mark}\n    or {mark}.\n    """\n'
                    "    return w * h\n"
                ),
                f"    return w * h  # {mark}\n",
                f"    return w * h  # the product{mark}",
                f"    s = '{mark}'\n    return w * h * len(s) // {len(mark)}{mark}\n{WRONG}",
                f"{mark}\n{fenced(RIGHT)}{mark}",
                f"<think>{WRONG}</think>{mark}{RIGHT}{mark}",
                f"{RIGHT}\nIt's done.{mark}",
                f"{RIGHT}\nprint(area(2, 3)){mark}\n{WRONG}",
            ],
            6,
        )
    ends = (
        'def area(w, h):\n    s = """\n</s>\n<|im_end|>\n"""\n'
        "    return w * h if len(s) == 17 else 0\n"
    )
    case("end mark", f"Sure:\n{fenced(ends)}ok\n")
    case("end mark", f"<|im_start|>assistant\n{fenced(RIGHT)}<|im_end|>")
    case("end mark", f"<|user|>\nWrite it.<|assistant|>\n{RIGHT}")


def fences():
    """Fences where no block begins or ends, and blocks with odd fences."""
    docs = (
        'def area(w, h):\n    """Area.\n\n    ```{}\n    area(2, 3)\n    ```\n    """\n'
        "    return w * h\n"
    )
    ticks = 'def area(w, h):\n    s = "```"\n    return w * h if s == "`" * 3 else 0\n'
    triple = 'def area(w, h):\n    s = """\n```\n"""\n    return w * h if "`" * 3 in s else 0\n'
    pieces = (
        "def area(w, h):\n    s = ('```python\\n'\n         '```')\n"
        "    return w * h if len(s) == 13 else 0\n"
    )
    comment = "def area(w, h):\n    # ```\n    return w * h\n"
    opens = "def area(w, h):\n    # use ```python\n    return w * h\n"
    tildes = 'def area(w, h):\n    s = """\n~~~\n"""\n    return w * h if "~~~" in s else 0\n'
    whole = (
        'def area(w, h):\n    s = """\n```python\ndef area(w, h):\n    return 0\n```\n'
        '"""\n    return w * h if s else 0\n'
    )
    for code in [
        docs.format(""),
        docs.format("python"),
        ticks,
        triple,
        pieces,
        comment,
        opens,
        tildes,
        whole,
    ]:
        some(
            "fence",
            [
                code,
                fenced(code),
                f"Sure:\n\n{code}\nDone.\n",
                f"Sure:\n\n{fenced(code)}\nDone.\n",
                code.split("\n", 1)[1],
                "```python\n" + code,
                code[:-1] + "```",
                f"~~~python\n{code}~~~\n",
            ],
            3,
        )
    for text in [
        "```python\ndef area(w, h):\n    return w * h```",
        "```python\ndef area(w, h):\n    return w * h```\nDone.",
        "    return w * h```",
        "    return w * h```\nThis is it.\n",
        f"{RIGHT}```\nSo it is.\n",
        f"Here: ```python\n{RIGHT}```",
        f"```python {RIGHT}```\n",
        f"~~~python\n{RIGHT}~~~\n",
        f"````python\n{RIGHT}````\n",
        "1. Do:\n   ```python\n   def area(w, h):\n       return w * h\n   ```\n",
        f"````markdown\n{fenced(RIGHT)}````\n",
        f"```markdown\n{fenced(RIGHT)}```\n",
        f"```\n{fenced(RIGHT)}",
        f"{fenced('pip install x', 'bash')}{fenced(RIGHT)}",
        f"```text\nw * h\n```\n{fenced(RIGHT)}",
        f"{fenced(RIGHT)}```\n6\n```\n",
        f"```\nOutput: 6\n```\n{fenced(RIGHT)}",
        f"```bash\npip install x\n```\n{fenced('return w * h' + chr(10))}",
        f'```json\n{{"a": 1}}\n```\n{fenced(RIGHT)}',
        f"```diff\n- x\n+ y\n```\n{fenced(RIGHT)}",
        f"**area.py**\n{fenced(RIGHT)}",
        fenced(RIGHT, "python area.py"),
        fenced(RIGHT, "python:area.py"),
        fenced(RIGHT, "PYTHON"),
        f"```pycon\n>>> area(2,3)\n6\n```\n{fenced(RIGHT)}",
        fenced(RIGHT, "python {cmd=true}"),
        fenced(RIGHT, " python"),
        f"'''python\n{RIGHT}'''\n",
        f'"""python\n{RIGHT}"""\n',
        fenced(BODY),
        fenced("return w * h\n"),
        fenced(RIGHT, ""),
        fenced(RIGHT, "py"),
        fenced(RIGHT, "python3"),
        fenced(RIGHT, "{.python}"),
        fenced(RIGHT, "{python}"),
        fenced(RIGHT, 'python title="area.py"'),
        fenced(RIGHT, "Python 3"),
        fenced(RIGHT, "code"),
        fenced(RIGHT, "python\n"),
        f"```python\n{RIGHT}\n```python\nprint(area(2, 3))\n```\n",
        f"```python\n{RIGHT}``` and that is all\n",
        f"```python\n{RIGHT}\n  ```\nDone\n",
        f"`````python\n{RIGHT}`````\n",
        f"- ```python\n{indented(RIGHT, '  ')}  ```\n",
        f"* Code:\n\n    ```python\n{indented(RIGHT)}    ```\n",
        f"Use `area`:\n{fenced(RIGHT)}",
        f"``{RIGHT}``",
        f"```python\n\n\n{RIGHT}\n\n```",
        f"```python\r\n{RIGHT}```\r\n",
        f"{RIGHT}```",
        f"{RIGHT}```python\nprint(area(2, 3))\n```\n",
        f"```python\n{RIGHT}```\n```\n",
        f"{fenced('')}{fenced(RIGHT)}",
        f"```\n\n```\n{RIGHT}",
        f"```python\n# area\n```\n{fenced(RIGHT)}",
        f"```python # area\n{RIGHT}```\n",
        f"<details>\n\n{fenced(RIGHT)}\n</details>\n",
        f"Code:```python\n{RIGHT}```Done.",
        f"```python\n{RIGHT}```\n{BODY}",
        f"\\`\\`\\`python\n{RIGHT}\\`\\`\\`\n",
        f"```{RIGHT}```",
        "```python\n```\n" + RIGHT,
    ]:
        case("fence", text)
    for before in ["", "As said:\n\n"]:
        for code in [
            fenced(RIGHT),
            fenced(BODY),
            fenced(docs.format("python")),
            fenced(f"{RIGHT}\nprint(area(2, 3))\n"),
        ]:
            case("quotation", before + indented(code, "> "))
            case("quotation", before + indented(code, ">"))
            case("quotation", before + indented("So:\n" + code, "> ") + "Done\n")
            case("quotation", before + indented("So:\n" + code, "  > ") + "\nDone > started\n")
            case("quotation", indented("Task: area\n", "> ") + code)
    case("quotation", indented(RIGHT, "> "))
    case(
        "quotation",
        indented(
            "def area(w, h):\n    s = '''\n> a\n'''\n    return w * h if '>' in s else 0\n", ""
        ),
    )
    case(
        "quotation",
        fenced("def area(w, h):\n    s = '''\n> a\n'''\n    return w * h if '>' in s else 0\n"),
    )


def prose():
    """Text that misleads a reader of Python, and bodies with lost indentation."""
    for text in [
        f"{RIGHT}\n    This function multiplies.\n",
        f"{BODY}    This function multiplies.\n",
        RIGHT.replace("\n", "\r\n"),
        "\ufeff" + RIGHT,
        RIGHT.replace("    ", "\u00a0" * 4),
        "\u200b" + RIGHT,
        RIGHT.replace("    ", "\t"),
        f'{RIGHT}\n"""\nThis works because.\n"""\n',
        f'It\'s """great:\n{RIGHT}',
        f"Here it is (see below:\n{RIGHT}",
        f"Here's what's needed:\n{RIGHT}\nThat's it, isn't it?\n",
        f"Options [a, b\n{RIGHT}",
        f"!pip install x\n%timeit x\n{RIGHT}",
        " return w * h\n",
        "return w * h\n",
        "   return w * h\n",
        "        return w * h\n",
        "x = w * h\nreturn x\n",
        f"    # multiply\n{BODY}",
        f'    """Doc."""\n{BODY}',
        f"\n{BODY}",
        f"# multiply\n{BODY}",
        f"The body is:\n\n{BODY}",
        "    def mul(a, b):\n        return a * b\n    return mul(w, h)\n",
        "    import operator\n    return operator.mul(w, h)\n",
        "def mul(a, b):\n        return a * b\n    return mul(w, h)\n",
        f"{BODY}\n\ndef perimeter(w, h):\n    return area(w",
        "    x = w\n# comment\n    return x * h\n",
        f"The function is:\n\n{indented(RIGHT)}\nDone.\n",
        f"The function is:\n\n    import operator\n\n    K = 1\n\n{indented(RIGHT)}\nDone.\n",
        f"\u2705 Done:\n{RIGHT}",
        f"The area is $w \\times h$.\n\n{RIGHT}",
        f"| w | h |\n|---|---|\n| 2 | 3 |\n\n{RIGHT}",
        f"See https://x.y/z?a=1\n{RIGHT}",
        (
            "\u4ee5\u4e0b\u662f\u4ee3\u7801\uff1a\n"
            f"{fenced(RIGHT)}\u5e0c\u671b\u6709\u5e2e\u52a9\u3002"
        ),
        (
            f"\u4ee5\u4e0b\u662f\u4ee3\u7801\uff1a\n\n{RIGHT}\n"
            "\u8fd9\u4e2a\u51fd\u6570\u8fd4\u56de\u3002\n"
        ),
        f"[PYTHON]\n{RIGHT}[/PYTHON]\n",
        f"[BEGIN]\n{RIGHT}[DONE]\n",
        f"<code>\n{RIGHT}</code>\n",
        f"<answer>\n{BODY}</answer>",
        f'<pre><code class="language-python">\n{RIGHT}</code></pre>\n',
        f"def  area (w, h) :\n{BODY}",
        "def area(w, h): return w * h",
    ]:
        case("prose", text)
