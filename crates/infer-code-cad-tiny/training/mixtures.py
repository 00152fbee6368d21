"""Families that only the benchmark uses: mixtures of what training shows apart."""

from pieces import WORD_FILTERS
from pipelines import LISTS, TEXTS, Arguments, bind_filter
from piecewise import grouping, number_filter, problem, sort_key

WORD_KEYS = (
    ("len", "length", "len(w)"),
    ("head", "first letter", "w[0]"),
    ("tail", "last letter", "w[-1]"),
    ("low", "lowercase form", "w.lower()"),
)


def word_groups(rng):
    """Held out: grouping, which training does with numbers, of the words that pass a test."""
    args = Arguments(rng, rng.choice(TEXTS), "text")
    piece = bind_filter(args, rng.choice(WORD_FILTERS))
    return grouping(
        "word_groups", args, "words", "w", args.first + ".split()", rng.choice(WORD_KEYS), " that " + piece.post, piece
    )


def running_filtered(rng):
    """Held out: a running value, as in `running`, over the elements that pass a test only."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    piece, test = number_filter(args)
    op, words, start, code = rng.choice(
        (
            ("sum", "sum", "0", "y + x"),
            ("prod", "product", "1", "y * x"),
            ("max", "larger", "0", "max(x, y)"),
            ("count", "count", "0", "y + 1"),
        )
    )
    out, what, end = rng.choice(
        (
            ("list", "a list of", "return ys"),
            ("max", "the largest of", "return max(ys, default=0)"),
            ("rev", "the reversed list of", "return ys[::-1]"),
            ("even", "the number of even values among", "return len([y for y in ys if y % 2 == 0])"),
        )
    )
    doc = "Return %s the running %ss of the numbers in %s that %s, starting from %s." % (
        what,
        words,
        args.first,
        piece.post,
        start,
    )
    body = "ys = []\ny = {0}\nfor x in {1}:\n    if {2}:\n        y = {3}\n        ys.append(y)\n{4}".format(
        start, args.first, test, code, end
    )
    return problem(
        "running_filtered",
        3,
        "%s/%s/%s" % (op, piece.id, out),
        args,
        doc,
        body,
        ("Keep the running %s." % words, "Return %s them." % what),
    )


def sorted_filtered(rng):
    """Sorting by a key, of the numbers that pass a test only."""
    return sort_key(rng, condition=True)
