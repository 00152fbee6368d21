"""Families that put filters and maps to other uses than a pipeline."""

from pieces import CHAR_FILTERS, CHAR_MAPS, LIST_FILTERS, NUMBER_FILTERS, NUMBER_MAPS
from pipelines import LISTS, TEXTS, Arguments, bind_filter, bind_map, sentence
from problem import Problem

DICTS = ("d", "table", "prices", "stock")
SORT_KEYS = (
    ("abs", "absolute value", "abs(x)"),
    ("last", "last digit", "abs(x) % 10"),
    ("dsum", "digit sum", "sum(map(int, str(abs(x))))"),
    ("mod", "remainder modulo {k}", "x % {k}"),
    ("dist", "distance from {k}", "abs(x - {k})"),
    ("len", "number of digits", "len(str(abs(x)))"),
    ("square", "square", "x * x"),
    ("parity", "remainder modulo two", "x % 2"),
)
TAKES = (
    ("all", "", ""),
    ("first", " and return the first two", "[:2]"),
    ("last", " and return the last two", "[-2:]"),
    ("skip", " and return all but the first", "[1:]"),
)
GROUP_VALUES = (
    ("list", "the list of the {noun}", "groups.setdefault(key, []).append({x})"),
    ("count", "how many {noun} have it", "groups[key] = groups.get(key, 0) + 1"),
    ("last", "the last of the {noun} with it", "groups[key] = {x}"),
    ("first", "the first of the {noun} with it", "groups.setdefault(key, {x})"),
    ("large", "the largest of the {noun} with it", "groups[key] = max(groups.get(key, {x}), {x})"),
    ("small", "the smallest of the {noun} with it", "groups[key] = min(groups.get(key, {x}), {x})"),
)


def drawn_key(args, table):
    """A row of a key table with its constant filled in: (id, wording, code)."""
    name, text, code = args.rng.choice(table)
    for placeholder, wording, value in args.bind((text,)):
        text, code = text.replace(placeholder, wording), code.replace(placeholder, value)
    return name, text, code


def number_filter(args, table=NUMBER_FILTERS):
    """A bound number filter and its test on x."""
    piece = bind_filter(args, args.rng.choice(table))
    return piece, piece.code.replace("{x}", "x")


def problem(family, level, key, args, doc, body, steps, parts=()):
    """Shorthand: `key` without the family, `body` as one string."""
    return Problem(
        family, level, (family + "/" + key,) + parts, tuple(args.params), doc, tuple(body.split("\n")), tuple(steps)
    )


def positions(rng):
    """Where in a list or a string something holds."""
    if rng.random() < 0.6:
        args = Arguments(rng, rng.choice(LISTS), "nums")
        piece, test = number_filter(args, LIST_FILTERS)
        noun = "numbers"
    else:
        args = Arguments(rng, rng.choice(TEXTS), "text")
        piece = bind_filter(args, rng.choice(CHAR_FILTERS))
        test, noun = piece.code.replace("{x}", "x"), "characters"
    out, words, code = rng.choice(
        (
            ("list", "the positions of", "return ys"),
            ("first", "the position of the first of", "return ys[0] if ys else -1"),
            ("last", "the position of the last of", "return ys[-1] if ys else -1"),
            ("sum", "the sum of the positions of", "return sum(ys)"),
            ("rev", "in reverse order the positions of", "return ys[::-1]"),
            ("gap", "how far apart the first and the last are of", "return ys[-1] - ys[0] if ys else 0"),
        )
    )
    tail = ", or -1 if there is none" if "-1 if" in code or "else -1" in code else ""
    doc = "Return %s the %s in %s that %s%s." % (words, noun, args.first, piece.post, tail)
    body = "ys = [i for i, x in enumerate(%s) if %s]\n%s" % (args.first, test, code)
    return problem(
        "positions",
        2,
        "%s/%s/%s" % (noun, piece.id, out),
        args,
        doc,
        body,
        ("Find the positions.", "Return %s them." % words),
    )


def streak(rng):
    """The longest stretch of neighbours for which something holds."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    piece, test = number_filter(args)
    out, words, start, grow, end = rng.choice(
        (
            (
                "len",
                "the length of the longest stretch",
                "run = best = 0",
                "run = run + 1 if {t} else 0\n    best = max(best, run)",
                "return best",
            ),
            (
                "sum",
                "the largest sum of a stretch",
                "run = best = 0",
                "run = run + x if {t} else 0\n    best = max(best, run)",
                "return best",
            ),
            (
                "count",
                "the number of separate stretches",
                "count = 0\nbefore = False",
                "now = {t}\n    if now and not before:\n        count += 1\n    before = now",
                "return count",
            ),
            (
                "lens",
                "the lengths of the stretches",
                "runs = [0]",
                "if {t}:\n        runs[-1] += 1\n    else:\n        runs.append(0)",
                "return [n for n in runs if n > 0]",
            ),
            ("final", "the length of the stretch at the end", "run = 0", "run = run + 1 if {t} else 0", "return run"),
        )
    )
    doc = rng.choice(
        ("Return %s of neighbouring numbers in %s that %s.", "Find %s of consecutive elements of %s that %s.")
    ) % (words, args.first, piece.post)
    body = "%s\nfor x in %s:\n    %s\n%s" % (start, args.first, grow.replace("{t}", test), end)
    return problem(
        "streak",
        3,
        "%s/%s" % (piece.id, out),
        args,
        doc,
        body,
        ("Go through the list.", "Track the stretches that %s." % piece.post, "Return %s." % words),
    )


def until(rng):
    """Work up to, or from, the first element for which something holds."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    piece, test = number_filter(args)
    way, words, lines = rng.choice(
        (
            ("before", "before the first one that", "for x in {xs}:\n    if {t}:\n        break\n    ys.append(x)"),
            (
                "upto",
                "up to and including the first one that",
                "for x in {xs}:\n    ys.append(x)\n    if {t}:\n        break",
            ),
            ("from", "from the first one on that", "for x in {xs}:\n    if ys or {t}:\n        ys.append(x)"),
        )
    )
    plural_test = singular(piece.post)
    out, what, code = rng.choice(
        (
            ("list", "a list of", "ys"),
            ("sum", "the sum of", "sum(ys)"),
            ("len", "the number of", "len(ys)"),
            ("rev", "the reversed list of", "ys[::-1]"),
            ("max", "the largest, or 0, of", "max(ys, default=0)"),
            ("sorted", "the sorted list of", "sorted(ys)"),
        )
    )
    doc = "Return %s the elements of %s %s %s." % (what, args.first, words, plural_test)
    body = "ys = []\n%s\nreturn %s" % (lines.replace("{xs}", args.first).replace("{t}", test), code)
    return problem(
        "until",
        3,
        "%s/%s/%s" % (piece.id, way, out),
        args,
        doc,
        body,
        ("Take the elements %s %s." % (words, plural_test), "Return %s them." % what),
    )


def replace(rng):
    """Change only the elements for which something holds."""
    if rng.random() < 0.65:
        args = Arguments(rng, rng.choice(LISTS), "nums")
        piece, change = bind_filter(args, rng.choice(NUMBER_FILTERS)), bind_map(args, rng.choice(NUMBER_MAPS))
        noun, form, end = "number", "[%s]", "return the new list"
    else:
        args = Arguments(rng, rng.choice(TEXTS), "text")
        piece, change = bind_filter(args, rng.choice(CHAR_FILTERS)), bind_map(
            args, rng.choice([m for m in CHAR_MAPS if m[0] not in ("ord", "mask")])
        )
        noun, form, end = "character", '"".join(%s)', "return the new string"
    that = singular(piece.post)
    action = change.verb.replace("{obj}", "every %s in %s that %s" % (noun, args.first, that))
    doc = rng.choice(
        (
            "%s, leave the others as they are and %s." % (action[0].upper() + action[1:], end),
            "%s and %s; the others stay." % (action[0].upper() + action[1:], end),
        )
    )
    body = "return " + form % (
        "%s if %s else x for x in %s" % (change.code.replace("{x}", "x"), piece.code.replace("{x}", "x"), args.first)
    )
    return problem(
        "replace", 2, "%s/%s/%s" % (noun, piece.id, change.id), args, doc, body, (sentence(action), "Keep the others.")
    )


def partition(rng):
    """Split into what satisfies a test and what does not."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    piece, test = number_filter(args)
    out, words, code = rng.choice(
        (
            ("tuple", "a tuple of two lists", "return yes, no"),
            ("front", "one list with those in front", "return yes + no"),
            ("back", "one list with those at the end", "return no + yes"),
            ("sums", "a tuple of the two sums", "return sum(yes), sum(no)"),
            ("lens", "a tuple of the two counts", "return len(yes), len(no)"),
            ("diff", "the first sum minus the second", "return sum(yes) - sum(no)"),
            ("more", "whether there are more of the first", "return len(yes) > len(no)"),
        )
    )
    doc = "Split %s into the numbers that %s and the rest; return %s." % (args.first, piece.post, words)
    body = "yes = []\nno = []\nfor x in {0}:\n    if {1}:\n        yes.append(x)\n    else:\n        no.append(x)\n{2}".format(
        args.first, test, code
    )
    return problem(
        "partition",
        2,
        "%s/%s" % (piece.id, out),
        args,
        doc,
        body,
        ("Split into those that %s and the rest." % piece.post, "Return %s." % words),
    )


def dict_select(rng):
    """Choose entries of a dictionary by key or value."""
    args = Arguments(rng, rng.choice(DICTS), "dict")
    piece, test = number_filter(args)
    out, words, code = rng.choice(
        (
            ("keys", "the sorted keys", "return sorted(key for key, x in {d}.items() if {t})"),
            ("dict", "a new dictionary of the entries", "return {key: x for key, x in {d}.items() if {t}}"),
            ("count", "the number of keys", "return len([key for key, x in {d}.items() if {t}])"),
            (
                "join",
                "the sorted keys, joined with commas,",
                'return ",".join(sorted(key for key, x in {d}.items() if {t}))',
            ),
            ("longest", "the longest key", 'return max([key for key, x in {d}.items() if {t}], key=len, default="")'),
            (
                "swap",
                "a dictionary from value to key of the entries",
                "return {x: key for key, x in {d}.items() if {t}}",
            ),
            ("letters", "the total length of the keys", "return sum(len(key) for key, x in {d}.items() if {t})"),
            (
                "first",
                "the alphabetically first key, or None if there is none,",
                "return min([key for key, x in {d}.items() if {t}], default=None)",
            ),
        )
    )
    doc = "Return %s in %s whose values %s." % (words, args.first, piece.post)
    return problem(
        "dict_select",
        2,
        "%s/%s" % (piece.id, out),
        args,
        doc,
        code.replace("{d}", args.first).replace("{t}", test),
        ("Go through the entries.", "Keep those whose values %s." % piece.post, "Return %s." % words),
    )


def sort_key(rng, condition=None):
    """Sort by a derived key; with `condition`, the held-out mixture with a filter."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    family, source, that = "sort_key", args.first, ""
    if condition:
        family, (piece, test) = "sorted_filtered", number_filter(args)
        source, that = "[x for x in %s if %s]" % (args.first, test), " that " + piece.post
    name, words, code = drawn_key(args, SORT_KEYS)
    order, way, flag = rng.choice((("asc", "ascending", ""), ("desc", "descending", ", reverse=True")))
    take, tail, slice_ = rng.choice(TAKES)
    tie, tie_words, key = rng.choice((("stable", "", code), ("value", ", ties by value", "(%s, x)" % code)))
    doc = rng.choice(
        ("Sort the numbers in %s%s by their %s in %s order%s%s.", "Order the elements of %s%s by %s, %s%s%s.")
    ) % (args.first, that, words, way, tie_words, tail)
    body = "return sorted(%s, key=lambda x: %s%s)%s" % (source, key, flag, slice_)
    ids = "/".join((name, order, take, tie)) + (("/" + piece.id) if condition else "")
    return problem(
        family,
        3 if condition else 2,
        ids,
        args,
        doc,
        body,
        ("Sort by %s, %s." % (words, way), "Return the result%s." % tail),
    )


def group(rng):
    """Collect numbers in a dictionary by a derived key."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    name, words, code = drawn_key(args, SORT_KEYS)
    return grouping("group", args, "numbers", "x", args.first, (name, words, code), "", None)


def grouping(family, args, noun, x, source, key, that, piece):
    """The part that `group` and `word_groups` share."""
    out, value, line = args.rng.choice(GROUP_VALUES)
    value, line = value.replace("{noun}", noun), line.replace("{x}", x)
    doc = args.rng.choice(
        (
            "Group the %s in %s%s by their %s: return a dictionary from each %s to %s.",
            "Take the %s of %s%s; map every %s{key} to %s in a dictionary.",
        )
    )
    if "{key}" in doc:
        doc = doc.replace("{key}", "") % (noun, args.first, that, key[1], value)
    else:
        doc = doc % (noun, args.first, that, key[1], key[1], value)
    if piece:
        inside = "    if %s:\n        key = %s\n        %s" % (piece.code.replace("{x}", x), key[2], line)
    else:
        inside = "    key = %s\n    %s" % (key[2], line)
    body = "groups = {}\nfor %s in %s:\n%s\nreturn groups" % (x, source, inside)
    ids = "%s/%s" % (key[0], out) + ("/" + piece.id if piece else "")
    return problem(
        family, 3, ids, args, doc, body, ("Take the %s of each of the %s." % (key[1], noun), "Store %s." % value)
    )


SINGULAR = {"are": "is", "have": "has", "do": "does", "can": "can"}
SINGULAR_NOUNS = {
    "vowels": "a vowel",
    "digits": "a digit",
    "letters": "a letter",
    "multiples": "a multiple",
    "palindromes": "a palindrome",
}


def singular(post):
    """`are even` -> `is even`, `are multiples of 3` -> `is a multiple of 3`."""
    head, *rest = post.split(" ")
    is_be = head == "are" and "neither" not in rest
    rest = [SINGULAR_NOUNS.get(word, word) if is_be else word for word in rest]
    return " ".join([SINGULAR.get(head) or head + "s"] + rest)
