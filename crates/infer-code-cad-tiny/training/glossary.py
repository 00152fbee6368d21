"""Invented in-house terms: a docstring that uses one, and the passage that says what it means."""

from pipelines import DOMAINS, Arguments, Filter, Map, bind_filter, bind_map, draw_pipeline
from holdout import held_out
from piecewise import singular
from problem import Problem

ONSETS = "b bl br d dr f fl g gl gr h j k kl kr l m n p pl pr qu r s sk sl sn st t tr v w y z".split()
VOWELS = "a e i o u oo ee".split()
MIDDLES = "b bb d g k l ll m mb n nd p r rb rd rg rv s t v x z".split()
ENDS = "el in ock ab et im ast up ar ix on ent ax ig od um".split()
FINALS = "b d g k l m n p sk st x zz".split()
ELEMENTS = {"numbers": "number", "chars": "character", "words": "word"}
GLOSSARY_DOMAINS = ("numbers", "numbers", "chars", "words")
TITLES = ("{term}", "{term}", "Glossary: {term}", "{term} (house term)", "What {term} means", "Vocabulary: {term}")
REMARKS = (
    "",
    "",
    "",
    " {T} is a word of our own code base.",
    " Older reports spell {t} differently.",
    " The planning team coined {t}.",
    " New colleagues often ask what {t} means.",
    " Write {t} in full.",
    " The handbook has a page on {t}.",
    " Only we say {t}.",
)
# Reductions short enough that the invented word stays the rarest part of a docstring.
SHORT_REDUCES = ("sum", "count", "prod", "list", "sorted", "rev", "desc", "join", "space")
NUMERIC = ("sum", "count", "prod", "ndist", "altsum")
LISTS_OUT = ("list", "sorted", "desc", "uniq", "rev", "cumsum", "bylen")
AFTERWARDS = {
    "number": (("plus one", "%s + 1"), ("times two", "%s * 2"), ("minus three", "%s - 3"), ("as a string", "str(%s)")),
    "list": (("repeated twice", "%s * 2"), ("plus a zero at the end", "%s + [0]"), ("cut to two", "%s[:2]")),
    "text": (("shouted", "%s.upper()"), ("repeated twice", "%s * 2"), ("plus a dot", '%s + "."')),
}


def invented_term(rng, reserved):
    """Two pronounceable words; one term in five is reserved for the benchmark and its store.

    Two, because one rare word does not outweigh in BM25 what ordinary passages share with a docstring.
    """
    while True:
        long = rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(MIDDLES) + rng.choice(ENDS)
        term = long + " " + rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(FINALS)
        if held_out("term/" + term) == reserved:
            return term


def glossary_problem(rng, reserved=False):
    """A problem with a term; `reserved` draws from the benchmark's words."""
    domain = DOMAINS[rng.choice(GLOSSARY_DOMAINS)]
    term = invented_term(rng, reserved)
    build = rng.choice(KINDS)
    return build(rng, domain if build is quantity else short(domain), term)


def short(domain):
    """The domain with its shortest reductions only."""
    return domain._replace(reduces=tuple(r for r in domain.reduces if r[0] in SHORT_REDUCES))


def adjective(rng, domain, term):
    """`the zorbel numbers in xs`: the term is a property of one element."""
    args = Arguments(rng, rng.choice(domain.args), domain.kind, literals_only=True)
    pieces = [p for p in domain.filters if "{xs}" not in p[3]]
    chosen = [rng.choice(pieces)]
    if rng.random() < 0.6:
        chosen.append(rng.choice([p for p in pieces if p[0] != chosen[0][0]]))
    parts = [bind_filter(args, p) for p in chosen]
    element = ELEMENTS[domain.family]
    meaning = " and ".join(singular(p.post) for p in parts)
    text = rng.choice(
        (
            "A {e} is called {t} if it {m}.",
            "We say that a {e} is {t} when it {m}.",
            "{T} describes a {e} that {m}.",
            "A {t} {e} is one that {m}.",
        )
    ).format(e=element, t=term, T=term.capitalize(), m=meaning)
    ids = "+".join(sorted(p.id for p in parts))
    invented = Filter(ids, term, "are " + term, " and ".join(p.code for p in parts))
    args.full = False
    pipe = draw_pipeline(rng, domain, args, invented_filter=invented)
    return using(rng, pipe, term, text, "define/%s/is/%s" % (domain.family, ids))


def operation(rng, domain, term):
    """`the zorbels of xs`: the term is something done to one element."""
    args = Arguments(rng, rng.choice(domain.args), domain.kind, literals_only=True)
    base = [m for m in domain.maps if m[4] == domain.base]
    chosen = [rng.choice(base), rng.choice(domain.maps)] if rng.random() < 0.5 else [rng.choice(domain.maps)]
    parts = [bind_map(args, p) for p in chosen]
    element = ELEMENTS[domain.family]
    verbs = [p.verb.replace("{obj}", "the " + element if i == 0 else "that") for i, p in enumerate(parts)]
    text = rng.choice(
        (
            "The {t} of a {e}: {m}.",
            "To get the {t} of a {e}, {m}.",
            "For the {t} of a {e} you {m}.",
        )
    ).format(t=term, e=element, m=" and then ".join(verbs))
    code = parts[0].code
    if len(parts) > 1:
        inner = code if code.endswith(")") or code == "{x}" else "(%s)" % code
        code = parts[1].code.replace("{x}", inner)
    ids = ">".join(p.id for p in parts)
    invented = Map(ids, "the %s of each of {items}" % term, "take the %s of {obj}" % term, code, parts[-1].out)
    args.full = False
    pipe = draw_pipeline(rng, domain, args, invented_map=invented, simple=True)
    return using(rng, pipe, term, text, "define/%s/do/%s" % (domain.family, ids))


def using(rng, pipe, term, text, definition_key):
    """The problem whose docstring is an ordinary pipeline with an invented piece in it."""
    args = pipe.args
    place = rng.choice(pipe.domain.place).replace("{xs}", args.first)
    doc = "%s %s." % (rng.choice(("Return", "Return", "Compute")), pipe.noun_phrase(place))
    steps = tuple(v[0].upper() + v[1:] + "." for v in pipe.verb_phrases(place))
    level = 3 if "+" in definition_key or ">" in definition_key else 2
    return Problem(
        "glossary_" + pipe.domain.family,
        level,
        (definition_key, pipe.key),
        tuple(args.params),
        doc,
        pipe.body(rng),
        steps,
        term=term,
        passage=passage(rng, term, text),
    )


def quantity(rng, domain, term):
    """`the zorbel of xs`: the term is the whole computation, perhaps with an ordinary step after it."""
    args = Arguments(rng, rng.choice(domain.args), domain.kind, literals_only=True)
    while True:
        pipe = draw_pipeline(rng, domain, args, simple=True)
        if pipe.filters or pipe.map:
            break
    place = rng.choice(("in it", "of the " + domain.what.split()[0]))
    if rng.random() < 0.7:
        template = rng.choice(("The {t} of a {w} is {m}.", "By the {t} of a {w} we mean {m}.", "{T}: {m}, for a {w}."))
        text = template.format(t=term, T=term.capitalize(), w=domain.what, m=pipe.noun_phrase(place))
    else:
        verbs = pipe.verb_phrases(place)
        text = "To compute the %s of a %s, %s and %s." % (term, domain.what, ", ".join(verbs[:-1]), verbs[-1])
    doc, body = "%s the %s of %s" % (rng.choice(("Return", "Return", "Compute")), term, args.first), pipe.body(rng)
    out = (
        "number"
        if pipe.reduce.id in NUMERIC
        else "list" if pipe.reduce.id in LISTS_OUT else "text" if pipe.reduce.id == "join" else None
    )
    level = 1
    if out and rng.random() < 0.3:
        level = 2
        words, code = rng.choice(AFTERWARDS[out])
        doc += ", " + words
        body = body[:-1] + ("return " + code % body[-1][len("return ") :],)
    return Problem(
        "glossary_" + domain.family,
        level,
        ("define/" + pipe.key, pipe.key),
        tuple(args.params),
        doc + ".",
        body,
        ("Look up the %s." % term, "Apply it to %s." % args.first),
        term=term,
        passage=passage(rng, term, text),
    )


def passage(rng, term, text):
    """(title, text) as the store keeps it."""
    return rng.choice(TITLES).format(term=term), text + rng.choice(REMARKS).format(t=term, T=term.capitalize())


KINDS = (adjective, adjective, operation, quantity)
