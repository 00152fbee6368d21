"""The table of small classics: every <slot> is an independent choice of (id, wording, code)."""

from collections import namedtuple

# params: (names, kind); docs and steps use the wording of the slots, body their code. {a} and {b}: the arguments.
Classic = namedtuple("Classic", "family level params docs body steps slots")

XS, YS = ("xs nums values data a", "nums"), ("ys other more b", "nums")
S, N, K = ("s text t", "text"), ("n m limit", "count"), ("k n size", "k")
LISTY = ("xs nums values data", "nums")
AMOUNT = tuple((str(i), str(i), str(i)) for i in range(2, 8))
BINARY = (
    ("sum", "sum", "x + y"),
    ("diff", "difference", "x - y"),
    ("prod", "product", "x * y"),
    ("max", "larger", "max(x, y)"),
    ("min", "smaller", "min(x, y)"),
    ("dist", "absolute difference", "abs(x - y)"),
    ("sqs", "sum of the squares", "x * x + y * y"),
)
LIST_OUT = (
    ("list", "a list of", "return ys"),
    ("sum", "the total of", "return sum(ys)"),
    ("max", "the largest of", "return max(ys, default=0)"),
    ("min", "the smallest of", "return min(ys, default=0)"),
    ("pos", "the number of positive values among", "return len([y for y in ys if y > 0])"),
    ("even", "the number of even values among", "return len([y for y in ys if y % 2 == 0])"),
    ("sorted", "the sorted list of", "return sorted(ys)"),
    ("rev", "the reversed list of", "return ys[::-1]"),
    ("dist", "the number of distinct values among", "return len(set(ys))"),
)
BLOCK = (
    ("sum", "sum", "sum(w)"),
    ("max", "maximum", "max(w)"),
    ("min", "minimum", "min(w)"),
    ("spread", "maximum minus minimum", "max(w) - min(w)"),
    ("first", "first element", "w[0]"),
    ("last", "last element", "w[-1]"),
    ("ends", "sum of the first and the last element", "w[0] + w[-1]"),
)

CLASSICS = (
    Classic(
        "adjacent",
        2,
        (XS,),
        (
            "Return <out> the <op>s of neighbouring elements of {a}.",
            "For every two neighbours in {a} take their <op>; return <out> these.",
        ),
        "ys = [<op> for x, y in zip({a}, {a}[1:])]\n<out>",
        ("Take the <op> of every two neighbours.", "Return <out> them."),
        {"op": BINARY, "out": LIST_OUT},
    ),
    Classic(
        "zipped",
        2,
        (XS, YS),
        (
            "Return <out> the <op>s of the elements of {a} and {b} at the same position.",
            "Pair up {a} and {b}, take the <op> of each pair and return <out> these.",
        ),
        "ys = [<op> for x, y in zip({a}, {b})]\n<out>",
        ("Pair the elements.", "Take the <op> of each pair.", "Return <out> them."),
        {"op": BINARY, "out": LIST_OUT},
    ),
    Classic(
        "windows",
        3,
        (XS, K),
        (
            "Return <out> the <op>s of all windows of {b} consecutive elements of {a}.",
            "Slide a window of length {b} over {a}, take its <op> each time and return <out> these.",
        ),
        "ys = []\nfor i in range(len({a}) - {b} + 1):\n    w = {a}[i:i + {b}]\n    ys.append(<op>)\n<out>",
        ("Slide a window over the list.", "Take the <op> of each window.", "Return <out> them."),
        {"op": BLOCK, "out": LIST_OUT},
    ),
    Classic(
        "chunks",
        3,
        (XS, K),
        (
            "Split {a} into chunks of {b} elements, the last may be shorter, and return <out> their <op>s.",
            "Return <out> the <op>s of the chunks of length {b} of {a}.",
        ),
        "ys = []\nfor i in range(0, len({a}), {b}):\n    w = {a}[i:i + {b}]\n    ys.append(<op>)\n<out>",
        ("Cut the list into chunks.", "Take the <op> of each chunk.", "Return <out> them."),
        {"op": BLOCK, "out": LIST_OUT},
    ),
    Classic(
        "running",
        2,
        (XS,),
        (
            "Return <out> the running <op>s of {a}.",
            "Go through {a} keeping the <op> so far and return <out> the values seen.",
        ),
        "ys = []\ny = <start>\nfor x in {a}:\n    y = <op>\n    ys.append(y)\n<out>",
        ("Keep the <op> so far.", "Return <out> these."),
        {
            "op": tuple((i, w, c) for i, w, c in BINARY if i in ("sum", "prod", "max", "min")),
            "out": LIST_OUT,
            "start": None,
        },
    ),
    Classic(
        "rotate",
        2,
        (LISTY, K),
        (
            "Rotate {a} to the <way> by {b} <times> and return it <then>.",
            "Return {a} rotated <way> by {b} <times>, <then>.",
        ),
        "if not {a}:\n    return {a}\ni = <times> % len({a})\n<way>\nreturn <then>",
        ("Handle the empty input.", "Rotate to the <way>."),
        {
            "way": (("left", "left", "ys = {a}[i:] + {a}[:i]"), ("right", "right", "ys = {a}[-i:] + {a}[:-i]")),
            "times": (
                ("1", "places", "{b}"),
                ("2", "times two places", "2 * {b}"),
                ("p1", "plus one places", "({b} + 1)"),
            ),
            "then": (
                ("id", "as a new list", "ys"),
                ("rev", "then reversed", "ys[::-1]"),
                ("half", "every second element only", "ys[::2]"),
                ("head", "without its first element", "ys[1:]"),
            ),
        },
    ),
    Classic(
        "run_length",
        3,
        (S,),
        (
            "Return <out> the runs of equal characters in {a}.",
            "Split {a} into runs of equal characters and return <out> them.",
        ),
        "runs = []\nfor c in {a}:\n    if runs and runs[-1][0] == c:\n        runs[-1] += c\n    else:\n        runs.append(c)\n<out>",
        ("Collect the runs.", "Return <out> them."),
        {
            "out": (
                ("list", "a list of", "return runs"),
                ("len", "the number of", "return len(runs)"),
                ("lens", "the lengths of", "return [len(r) for r in runs]"),
                ("max", "the length of the longest of", "return max([len(r) for r in runs], default=0)"),
                ("chars", "one character for each of", 'return "".join(r[0] for r in runs)'),
                (
                    "code",
                    "the character followed by the length for each of",
                    'return "".join(r[0] + str(len(r)) for r in runs)',
                ),
                ("multi", "the ones longer than one among", "return [r for r in runs if len(r) > 1]"),
                ("pairs", "pairs of character and length of", "return [(r[0], len(r)) for r in runs]"),
                ("longest", "the longest of", 'return max(runs, key=len, default="")'),
                ("rev", "the joined reverse order of", 'return "".join(runs[::-1])'),
                ("odd", "the ones of odd length among", "return [r for r in runs if len(r) % 2 == 1]"),
                ("sorted", "the sorted list of", "return sorted(runs)"),
            )
        },
    ),
    Classic(
        "caesar",
        3,
        (S, K),
        (
            "Shift every <kind> letter of {a} by {b} places <way> in the alphabet, wrapping around; <rest>.",
            "Encode {a}: move <kind> letters {b} places <way>, wrapping around; <rest>.",
        ),
        'result = ""\nfor c in {a}:\n    if c.<kind>():\n        i = ord(c) - ord(<first>)\n        result += chr((i <way> {b}) % 26 + ord(<first>))\n    else:\n        result += <rest>\nreturn result',
        ("Go through the characters.", "Shift the <kind> letters <way>.", "The rest: <rest>."),
        {
            "kind": (("low", "lowercase", "islower"), ("up", "uppercase", "isupper")),
            "way": (("f", "forward", "+"), ("b", "backward", "-")),
            "first": None,
            "rest": (
                ("keep", "keep other characters", "c"),
                ("drop", "drop other characters", '""'),
                ("dash", "write a dash for other characters", '"-"'),
                ("twice", "double other characters", "c * 2"),
                ("swap", "swap the case of other characters", "c.swapcase()"),
            ),
        },
    ),
    Classic(
        "brackets",
        3,
        (("s text code", "brackets"),),
        (
            "Return <out> the <kind> brackets in {a}; other characters are ignored.",
            "Look only at the <kind> brackets of {a} and return <out> them.",
        ),
        "depth = 0\nbest = 0\nlow = 0\nfor c in {a}:\n    if c == <open>:\n        depth += 1\n    elif c == <close>:\n        depth -= 1\n    best = max(best, depth)\n    low = min(low, depth)\nreturn <out>",
        ("Track the depth of the <kind> brackets.", "Return <out> them."),
        {
            "kind": (
                ("round", "round", "()"),
                ("square", "square", "[]"),
                ("curly", "curly", "{}"),
                ("angle", "angle", "<>"),
            ),
            "open": None,
            "close": None,
            "out": (
                ("bal", "whether the nesting is balanced for", "depth == 0 and low == 0"),
                ("max", "the greatest depth of", "best"),
                ("open", "the final depth of", "depth"),
                ("never", "whether no prefix closes too many of", "low == 0"),
                ("low", "the lowest depth of", "low"),
            ),
        },
    ),
    Classic(
        "recurrence",
        3,
        (N,),
        ("A sequence starts with <x> and <y>; every next term is <op>. Return <out> its first {a} terms.",),
        "ys = []\nx, y = <x>, <y>\nfor i in range({a}):\n    ys.append(x)\n    x, y = y, <op>\n<out>",
        ("Start with <x> and <y>.", "Every next term is <op>.", "Return <out> the terms."),
        {
            "x": tuple((str(i), str(i), str(i)) for i in range(4)),
            "y": tuple((str(i), str(i), str(i)) for i in range(1, 5)),
            "op": (
                ("sum", "the sum of the two before", "x + y"),
                ("pell", "twice the last one plus the one before", "2 * y + x"),
                ("diff", "the last one minus the one before", "y - x"),
                ("jac", "the last one plus twice the one before", "y + 2 * x"),
                ("plus1", "the sum of the two before plus one", "x + y + 1"),
            ),
            "out": LIST_OUT[:8],
        },
    ),
    Classic(
        "base",
        3,
        (N,),
        ("Write {a} in base <base> and return <out> its digits.", "Return <out> the digits of {a} in base <base>."),
        "ys = []\nwhile {a} > 0:\n    ys.append({a} % <base>)\n    {a} = {a} // <base>\n<out>",
        ("Divide by <base> until nothing is left.", "Return <out> the remainders."),
        {
            "base": AMOUNT + (("8", "8", "8"), ("9", "9", "9")),
            "out": (
                ("list", "a list, least significant first, of", "return ys"),
                ("rev", "a list, most significant first, of", "return ys[::-1]"),
                ("sum", "the sum of", "return sum(ys)"),
                ("len", "the number of", "return len(ys)"),
                ("str", "the string of", 'return "".join(str(y) for y in ys[::-1])'),
                ("max", "the largest of", "return max(ys, default=0)"),
                ("nz", "the number of non-zero ones among", "return len([y for y in ys if y > 0])"),
            ),
        },
    ),
    Classic(
        "steps",
        3,
        (N,),
        (
            "Start from {a}; while it is above <low>, <even> if it is even and <odd> otherwise. Return <out> the values.",
        ),
        "ys = [{a}]\nwhile {a} > <low>:\n    if {a} % 2 == 0:\n        {a} = <even>\n    else:\n        {a} = <odd>\n    ys.append({a})\n<out>",
        ("Repeat while above <low>.", "Halving rule: <even>; else <odd>.", "Return <out> the values."),
        {
            "low": tuple((str(i), str(i), str(i)) for i in range(1, 5)),
            "even": (
                ("half", "halve it", "{a} // 2"),
                ("less3", "subtract three", "{a} - 3"),
                ("less1", "subtract one", "{a} - 1"),
            ),
            "odd": (
                ("less1", "subtract one", "{a} - 1"),
                ("third", "divide it by three, rounding down", "{a} // 3"),
                ("less5", "subtract five", "{a} - 5"),
            ),
            "out": LIST_OUT[:4] + LIST_OUT[5:6],
        },
    ),
    Classic(
        "divisors",
        2,
        (N,),
        ("Return <out> the divisors of {a} <range>.", "Find the divisors of {a} <range> and return <out> them."),
        "ys = [i for i in range(<range>) if {a} % i == 0]\n<out>",
        ("Try every candidate <range>.", "Return <out> the divisors."),
        {
            "range": (
                ("all", "including 1 and itself", "1, {a} + 1"),
                ("proper", "smaller than itself", "1, {a}"),
                ("inner", "other than 1 and itself", "2, {a}"),
                ("ten", "up to ten", "1, 11"),
                ("three", "that are at least three", "3, {a} + 1"),
            ),
            "out": LIST_OUT,
        },
    ),
    Classic(
        "common",
        3,
        (N, ("b other k", "count")),
        ("Return the <what> of {a} and {b} <then>.", "Compute the <what> of the two numbers {a} and {b} <then>."),
        "x, y = {a}, {b}\nwhile y:\n    x, y = y, x % y\nreturn <what><then>",
        ("Use the remainder until it is zero.", "Return the <what>."),
        {
            "what": (
                ("gcd", "greatest common divisor", "x"),
                ("lcm", "least common multiple", "{a} * {b} // x"),
                ("red", "first number divided by the greatest common divisor", "{a} // x"),
                ("coprime", "gap to one of the greatest common divisor", "(x - 1)"),
            ),
            "then": (
                ("id", "as an integer", ""),
                ("p1", "plus one", " + 1"),
                ("t2", "times two", " * 2"),
                ("t3", "times three", " * 3"),
                ("m2", "minus two", " - 2"),
            ),
        },
    ),
    Classic(
        "table",
        3,
        (N, ("k m width", "k")),
        ("Build a grid of {a} rows and {b} columns whose entry in row i and column j is <op>, and return <out> it.",),
        "grid = [[<op> for j in range({b})] for i in range({a})]\n<out>",
        ("Build the grid of <op>.", "Return <out> it."),
        {
            "op": (
                ("prod", "i times j", "i * j"),
                ("sum", "i plus j", "i + j"),
                ("dist", "the distance of i and j", "abs(i - j)"),
                ("par", "i plus j modulo two", "(i + j) % 2"),
                ("max", "the larger of i and j", "max(i, j)"),
                ("lin", "ten times i plus j", "10 * i + j"),
            ),
            "out": (
                ("grid", "the whole of", "return grid"),
                ("rows", "the row sums of", "return [sum(row) for row in grid]"),
                ("total", "the total of", "return sum(sum(row) for row in grid)"),
                ("last", "the last row of", "return grid[-1]"),
                ("flat", "the flat list of", "return [x for row in grid for x in row]"),
                ("t", "the columns of", "return [list(col) for col in zip(*grid)]"),
            ),
        },
    ),
    Classic(
        "triangle",
        2,
        (N, ("c ch letter", "ch")),
        ("Draw <shape> with {a} lines of {b} and return <out> lines.",),
        "lines = [<shape> for i in range({a})]\n<out>",
        ("Make line i of <shape>.", "Return <out> lines."),
        {
            "shape": (
                ("grow", "a growing triangle", "{b} * (i + 1)"),
                ("shrink", "a shrinking triangle", "{b} * ({a} - i)"),
                ("right", "a right-aligned triangle", '" " * ({a} - i - 1) + {b} * (i + 1)'),
                ("stair", "a staircase", '" " * i + {b}'),
                ("box", "a square", "{b} * {a}"),
            ),
            "out": (
                ("list", "the list of", "return lines"),
                ("nl", "one string with newlines between the", 'return "\\n".join(lines)'),
                ("bar", "one string with bars between the", 'return "|".join(lines)'),
                ("rev", "the reversed list of", "return lines[::-1]"),
                ("last", "the last of the", 'return lines[-1] if lines else ""'),
            ),
        },
    ),
    Classic(
        "pairs",
        3,
        (XS, ("k target t", "k")),
        ("Return <out> the pairs of elements of {a}, at different positions, whose <op> is <cmp> {b}.",),
        "ys = []\nfor i in range(len({a})):\n    for j in range(i + 1, len({a})):\n        x, y = {a}[i], {a}[j]\n        if <op> <cmp> {b}:\n            ys.append((x, y))\n<out>",
        ("Try all pairs.", "Keep those whose <op> is <cmp> the target.", "Return <out> them."),
        {
            "op": BINARY[:3] + BINARY[5:6],
            "cmp": (("eq", "equal to", "=="), ("gt", "greater than", ">"), ("lt", "less than", "<")),
            "out": (
                ("list", "a list of", "return ys"),
                ("len", "the number of", "return len(ys)"),
                ("first", "the first, or None, of", "return ys[0] if ys else None"),
                ("any", "whether there are any of", "return len(ys) > 0"),
                ("last", "the last, or None, of", "return ys[-1] if ys else None"),
            ),
        },
    ),
    Classic(
        "interleave",
        3,
        (XS, YS),
        ("Take elements from {a} and {b} in turn, starting with <first>; <rest>. Return <out>.",),
        "result = []\nfor x, y in zip({a}, {b}):\n    result += <first>\n<rest>return <out>",
        ("Take both in turn, starting with <first>.", "Then <rest>.", "Return <out>."),
        {
            "first": (
                ("a", "the first list", "[x, y]"),
                ("b", "the second list", "[y, x]"),
                ("sum", "their sum and then the first list", "[x + y, x]"),
            ),
            "rest": (
                ("add", "append what is left over", "n = min(len({a}), len({b}))\nresult += {a}[n:] + {b}[n:]\n"),
                ("drop", "drop what is left over", ""),
                ("a", "append what is left of the first list", "result += {a}[len({b}):]\n"),
            ),
            "out": (
                ("list", "the list", "result"),
                ("rev", "the list reversed", "result[::-1]"),
                ("sorted", "the list sorted", "sorted(result)"),
                ("len", "its length", "len(result)"),
            ),
        },
    ),
    Classic(
        "dedupe",
        2,
        (XS,),
        ("Remove repeated values from {a}, keeping the <which> occurrence of each, and return <out>.",),
        "ys = []\nfor x in <which>:\n    if x not in ys:\n        ys.append(x)\n<out>",
        ("Keep the <which> occurrence.", "Return <out>."),
        {
            "which": (
                ("first", "first", "{a}"),
                ("last", "last, in order of their ends,", "{a}[::-1]"),
                ("sorted", "sorted", "sorted({a})"),
                ("abs", "absolute value of the first", "[abs(x) for x in {a}]"),
            ),
            "out": (
                ("list", "the list", "return ys"),
                ("rev", "the list reversed", "return ys[::-1]"),
                ("len", "how many are left", "return len(ys)"),
                ("sum", "the sum of what is left", "return sum(ys)"),
                ("removed", "how many were removed", "return len({a}) - len(ys)"),
            ),
        },
    ),
    Classic(
        "merge_dicts",
        3,
        (("d first p", "dict"), ("e second q", "dict")),
        ("Merge the dictionaries {a} and {b}: for a key in both take the <op> of the values; <rest>. Return <out>.",),
        "result = <rest>\nfor key in {a}:\n    if key in {b}:\n        x, y = {a}[key], {b}[key]\n        result[key] = <op>\nreturn <out>",
        ("Start right: <rest>.", "Combine shared keys by their <op>.", "Return <out>."),
        {
            "op": BINARY[:6],
            "rest": (
                ("all", "keep the other keys as they are", "{**{a}, **{b}}"),
                ("none", "drop the other keys", "{}"),
                ("a", "keep the other keys of the first only", "dict({a})"),
            ),
            "out": (
                ("dict", "the dictionary", "result"),
                ("keys", "its sorted keys", "sorted(result)"),
                ("sum", "the sum of its values", "sum(result.values())"),
                ("pairs", "its sorted items", "sorted(result.items())"),
            ),
        },
    ),
    Classic(
        "stride",
        1,
        (XS,),
        (
            "Return <out> every <step> element of {a}, starting <start>.",
            "Take every <step> element of {a} starting <start> and return <out> them.",
        ),
        "ys = {a}[<start>::<step>]\n<out>",
        ("Take every <step> element <start>.", "Return <out> them."),
        {
            "step": (("2", "second", "2"), ("3", "third", "3"), ("4", "fourth", "4")),
            "start": (("0", "with the first", "0"), ("1", "with the second", "1"), ("2", "with the third", "2")),
            "out": LIST_OUT,
        },
    ),
)
