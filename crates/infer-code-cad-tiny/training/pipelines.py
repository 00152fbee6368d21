"""Filter x map x reduce over many kinds of input: the bulk of the problems."""

from collections import namedtuple

import pieces
from problem import Problem

# kind: of input; place and source: {xs} is the argument; base: type of an element ("n", "s" or "r" for a row).
Domain = namedtuple("Domain", "family kind args var nouns place source base filters maps reduces what")
Filter = namedtuple("Filter", "id pre post code")
Map = namedtuple("Map", "id noun verb code out")
Reduce = namedtuple("Reduce", "id noun verb code accepts loop")

DIGIT_FILTERS = tuple(
    p for p in pieces.NUMBER_FILTERS if p[0] in ("even", "odd", "nonzero", "gt", "lt", "ge", "le", "div", "ne")
)
RANGE_FILTERS = tuple(p for p in pieces.NUMBER_FILTERS if p[0] not in ("pos", "neg", "nonzero", "absgt", "upto"))
DIGIT_MAPS = tuple(
    p for p in pieces.NUMBER_MAPS if p[0] in ("square", "cube", "double", "plus", "times", "mod", "cap", "floor")
)
NUMBER_REDUCES = pieces.NUMBER_REDUCES + pieces.COMMON_REDUCES
LISTS = ("xs", "nums", "values", "data", "numbers", "a")
TEXTS = ("s", "text", "line", "t")
GRIDS = ("m", "grid", "matrix", "rows")

DOMAINS = {
    d.family: d
    for d in (
        Domain(
            "numbers",
            "nums",
            LISTS,
            "x",
            ("numbers", "values", "elements", "integers"),
            ("in {xs}", "of {xs}"),
            "{xs}",
            "n",
            pieces.LIST_FILTERS,
            pieces.NUMBER_MAPS,
            NUMBER_REDUCES,
            "list of numbers",
        ),
        Domain(
            "range",
            "count",
            ("n", "m", "limit"),
            "i",
            ("numbers", "integers"),
            ("from 1 to {xs}",),
            "range(1, {xs} + 1)",
            "n",
            RANGE_FILTERS,
            pieces.NUMBER_MAPS,
            NUMBER_REDUCES,
            None,
        ),
        Domain(
            "digits",
            "count",
            ("n", "number", "x"),
            "d",
            ("digits",),
            ("of {xs}", "in {xs}"),
            "map(int, str({xs}))",
            "n",
            DIGIT_FILTERS,
            DIGIT_MAPS,
            NUMBER_REDUCES,
            None,
        ),
        Domain(
            "dict_values",
            "dict",
            ("d", "table", "prices"),
            "v",
            ("values",),
            ("in {xs}", "of {xs}"),
            "{xs}.values()",
            "n",
            pieces.NUMBER_FILTERS,
            pieces.NUMBER_MAPS,
            NUMBER_REDUCES,
            None,
        ),
        Domain(
            "chars",
            "text",
            TEXTS,
            "c",
            ("characters",),
            ("in {xs}", "of {xs}"),
            "{xs}",
            "s",
            pieces.CHAR_FILTERS,
            pieces.CHAR_MAPS,
            pieces.CHAR_REDUCES,
            "string",
        ),
        Domain(
            "words",
            "text",
            TEXTS,
            "w",
            ("words",),
            ("in {xs}", "of {xs}"),
            "{xs}.split()",
            "s",
            pieces.WORD_FILTERS,
            pieces.WORD_MAPS,
            pieces.WORD_REDUCES,
            "sentence",
        ),
        Domain(
            "rows",
            "grid",
            GRIDS,
            "row",
            ("rows",),
            ("in {xs}", "of {xs}"),
            "{xs}",
            "r",
            pieces.ROW_FILTERS,
            pieces.ROW_MAPS,
            NUMBER_REDUCES,
            None,
        ),
        # Held out as families.
        Domain(
            "columns",
            "grid",
            GRIDS,
            "col",
            ("columns",),
            ("in {xs}", "of {xs}"),
            "zip(*{xs})",
            "r",
            pieces.ROW_FILTERS,
            pieces.ROW_MAPS,
            NUMBER_REDUCES,
            None,
        ),
        Domain(
            "between",
            "span",
            ("a", "low", "start"),
            "i",
            ("numbers", "integers"),
            ("from {xs} to b inclusive",),
            "range({xs}, b + 1)",
            "n",
            RANGE_FILTERS,
            pieces.NUMBER_MAPS,
            NUMBER_REDUCES,
            None,
        ),
        Domain(
            "alternate_items",
            "nums",
            LISTS,
            "x",
            ("numbers", "elements"),
            ("at even positions of {xs}",),
            "{xs}[::2]",
            "n",
            pieces.NUMBER_FILTERS,
            pieces.NUMBER_MAPS,
            NUMBER_REDUCES,
            None,
        ),
    )
}
SIMPLE_REDUCES = ("sum", "count", "list", "join", "max", "min", "sorted", "space", "any")
WHOLE_ROW_REDUCES = ("count", "any", "list", "rev", "first", "final", "firstn", "lastn")
SECOND_ARGS = ("k", "n", "limit", "m")
LETTERS = "aeiorstn"
VERBS = ("Return", "Return", "Return", "Compute", "Find", "Give", "Calculate", "Work out")


class Arguments:
    """The arguments of a function under construction; pieces draw literals or one second argument from it."""

    def __init__(self, rng, first, kind, literals_only=False):
        self.rng = rng
        self.first = first
        self.params = [(first, kind)]
        if kind == "span":
            self.params.append(("b", "count"))
        self.full = literals_only or len(self.params) > 1

    def bind(self, parts):
        """Replaces {k}, {ch}, {d}, {n} and {xs} in every text of `parts` by the same drawn values."""
        joined = "".join(parts)
        pairs = []
        if "{k}" in joined:
            value = self._second("k") or str(self.rng.randint(2, 9))
            pairs.append(("{k}", value, value))
        if "{ch}" in joined:
            name = self._second("ch")
            letter = self.rng.choice(LETTERS)
            pairs.append(("{ch}", name or "'%s'" % letter, name or '"%s"' % letter))
        if "{d}" in joined:
            value = self.rng.choice(("-1", "0", "None"))
            pairs.append(("{d}", value, value))
        if "{n}" in joined:
            value = self.rng.choice("234")
            words = {"2": "two", "3": "three", "4": "four"}
            pairs.append(("{n}", words[value] if self.rng.random() < 0.5 else value, value))
        pairs.append(("{xs}", self.first, self.first))
        return pairs

    def _second(self, kind):
        if self.full or self.rng.random() > 0.35:
            return None
        self.full = True
        name = self.rng.choice(SECOND_ARGS) if kind == "k" else self.rng.choice(("c", "ch", "letter"))
        if name == self.first:
            name = "k"
        self.params.append((name, kind))
        return name


def substitute(text, pairs, code=False):
    """`text` with every placeholder of `pairs` replaced by its wording or its code."""
    for placeholder, wording, value in pairs:
        text = text.replace(placeholder, value if code else wording)
    return text


def bind_filter(args, piece):
    """A filter piece with its wording chosen and its placeholders filled, {x} excepted."""
    name, pre, posts, code = piece
    pairs = args.bind((posts[0], code))
    return Filter(name, pre, substitute(args.rng.choice(posts), pairs), substitute(code, pairs, code=True))


def bind_map(args, piece):
    """A map piece with its placeholders filled, {x}, {items} and {obj} excepted."""
    name, noun, verb, code, out = piece
    pairs = args.bind((noun, code))
    return Map(name, substitute(noun, pairs), substitute(verb, pairs), substitute(code, pairs, code=True), out)


def bind_reduce(args, piece):
    """A reduce piece with its placeholders filled, {items}, {gen}, {lst} and {e} excepted."""
    name, noun, verb, code, accepts, loop = piece
    pairs = args.bind((noun,))
    fill = lambda lines: lines and tuple(line and substitute(line, pairs, code=True) for line in lines)
    return Reduce(name, substitute(noun, pairs), substitute(verb, pairs), fill(code), accepts, fill(loop))


class Pipeline:
    """A bound composition: filters, an optional map, a reduction."""

    def __init__(self, domain, args, filters, mapping, reduction, noun):
        self.domain, self.args, self.noun = domain, args, noun
        self.filters, self.map, self.reduce = filters, mapping, reduction

    @property
    def key(self):
        """Names the composition, constants left out."""
        chosen = "+".join(sorted(f.id for f in self.filters))
        return "%s/%s/%s/%s" % (self.domain.family, chosen, self.map.id if self.map else "", self.reduce.id)

    @property
    def score(self):
        """Counts the steps that go beyond a plain reduction."""
        return len(self.filters) + (self.map is not None) + (self.reduce.id not in SIMPLE_REDUCES)

    def bare_items(self, place):
        """`even numbers in xs that exceed k`."""
        pre, posts = "", []
        for f in self.filters:
            if f.pre and not pre:
                pre = f.pre + " "
            else:
                posts.append(f.post)
        that = " that " + " and ".join(posts) if posts else ""
        return "%s%s %s%s" % (pre, self.noun, place, that)

    def noun_phrase(self, place):
        """`the sum of the squares of the even numbers in xs`."""
        bare = self.bare_items(place)
        items = "the " + bare
        if self.map:
            items = self.map.noun.replace("{items}", items)
        return self.reduce.noun.replace("{items}", items).replace("{bare}", bare)

    def verb_phrases(self, place):
        """`keep the even numbers in xs`, `square each of them`, `return the sum`."""
        bare = self.bare_items(place)
        each = "each of them" if self.filters else "each of the " + bare
        phrases = ["keep the " + bare] if self.filters else []
        if self.map:
            phrases.append(self.map.verb.replace("{obj}", each))
        if not phrases:
            return ["take the " + bare, self.reduce.verb]
        return phrases + [self.reduce.verb]

    def body(self, rng, source=None):
        """The lines of a right body, as a comprehension or as a loop."""
        x = self.domain.var
        source = source or self.domain.source.replace("{xs}", self.args.first)
        e = self.map.code.replace("{x}", x) if self.map else x
        test = " and ".join(f.code for f in self.filters).replace("{x}", x)
        loop, code = self.reduce.loop, self.reduce.code
        if loop and (code is None or rng.random() < 0.35):
            start, inside, end = (line and line.replace("{e}", e) for line in loop)
            lines = [start] if start else []
            lines.append("for %s in %s:" % (x, source))
            lines += ["    if %s:" % test, "        " + inside] if test else ["    " + inside]
            return tuple(lines + [end])
        if self.map or test:
            gen = "%s for %s in %s%s" % (e, x, source, " if " + test if test else "")
            lst = "[%s]" % gen
        else:
            gen = source
            lst = (
                source
                if source.endswith(("split()", "]")) or self.domain.kind in ("nums", "grid") and "(" not in source
                else "list(%s)" % source
            )
        return tuple(line.replace("{gen}", gen).replace("{lst}", lst) for line in code)


def draw_pipeline(rng, domain, args, invented_filter=None, invented_map=None, simple=False):
    """A random pipeline over `domain`; invented glossary pieces take the place of drawn ones."""
    roll = rng.random()
    n_filters = 0 if roll < 0.18 else 1 if roll < 0.75 or simple else 2
    filters, mapping = [], None
    if invented_filter:
        filters = [invented_filter]
    elif invented_map is None or n_filters:
        chosen = []
        while len(chosen) < n_filters:
            piece = rng.choice(domain.filters)
            if all(piece[0] != other[0] for other in chosen):
                chosen.append(piece)
        filters = [bind_filter(args, piece) for piece in chosen]
    if invented_map:
        mapping = invented_map
    elif rng.random() < (0.3 if invented_filter else 0.55):
        mapping = bind_map(args, rng.choice(domain.maps))
    while True:
        piece = rng.choice(domain.reduces)
        if accepts(domain, mapping, filters, piece):
            break
    return Pipeline(domain, args, filters, mapping, bind_reduce(args, piece), rng.choice(domain.nouns))


def accepts(domain, mapping, filters, reduce_piece):
    """True when the reduction fits the type it gets and the whole is more than a copy."""
    name, wanted = reduce_piece[0], reduce_piece[4]
    if wanted == "-":
        return mapping is None and (bool(filters) or name == "count")
    if mapping is None and domain.base == "r":
        return name in WHOLE_ROW_REDUCES and bool(filters)
    if name == "list" and mapping is None and not filters:
        return False
    return wanted == "*" or wanted == (mapping.out if mapping else domain.base)


def sentence(words):
    """First letter up, full stop."""
    return words[0].upper() + words[1:] + "."


def phrase_task(rng, noun_phrase, verb_phrases):
    """One of the ways in which people ask for the same thing."""
    roll = rng.random()
    if roll < 0.62:
        return "%s %s." % (rng.choice(VERBS), noun_phrase)
    if roll < 0.7:
        return "Write a function that returns %s." % noun_phrase
    return sentence(", ".join(verb_phrases[:-1]) + " and " + verb_phrases[-1])


def pipeline_problem(rng, family):
    """A problem of one of the pipeline families."""
    domain = DOMAINS[family]
    args = Arguments(rng, rng.choice(domain.args), domain.kind)
    pipe = draw_pipeline(rng, domain, args)
    place = rng.choice(domain.place).replace("{xs}", args.first)
    nouns, verbs = pipe.noun_phrase(place), pipe.verb_phrases(place)
    doc, body, key, score = phrase_task(rng, nouns, verbs), pipe.body(rng), pipe.key, pipe.score
    steps = tuple(sentence(v) for v in verbs)
    if score > 1 and rng.random() < 0.15:
        condition, test = ("is below 10", "%s < 10") if domain.kind in ("count", "span") else ("is empty", "not %s")
        value = rng.choice(("-1", "None", "0"))
        guard = "If %s %s, return %s." % (args.first, condition, value)
        doc = "%s %s" % ((doc, guard) if rng.random() < 0.6 else (guard, doc))
        body = ("if %s:" % (test % args.first), "    return " + value) + body
        steps, key, score = (guard,) + steps, key + "/guard", score + 1
    level = 1 if score <= 1 else 2 if score == 2 else 3
    return Problem(family, level, (key,), tuple(args.params), doc, body, steps)
