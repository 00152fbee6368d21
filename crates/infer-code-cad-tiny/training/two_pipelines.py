"""Two pipelines over one list: both results, or one of them chosen by a test."""

from piecewise import problem
from pipelines import DOMAINS, LISTS, Arguments, draw_pipeline


def two_results(rng):
    """Two pipelines over one list, returned together or compared."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    first, second = scalar_pipeline(rng, args), scalar_pipeline(rng, args)
    out, words, code = rng.choice(
        (
            ("tuple", "Return a tuple of {0} and {1}.", "return p, q"),
            ("minus", "Return {0} minus {1}.", "return p - q"),
            ("times", "Return {0} times {1}.", "return p * q"),
            ("max", "Return the larger of {0} and {1}.", "return max(p, q)"),
            ("gt", "Return whether {0} is greater than {1}.", "return p > q"),
            ("eq", "Return whether {0} equals {1}.", "return p == q"),
        )
    )
    place = "in " + args.first
    doc = words.format(first.noun_phrase(place), second.noun_phrase(place))
    body = "p = %s\nq = %s\n%s" % (scalar(first), scalar(second), code)
    steps = ("Compute %s." % first.noun_phrase(place), "Compute %s." % second.noun_phrase(place), "Combine the two.")
    return problem(
        "two_results", 3, "%s/%s/%s" % (out, first.key, second.key), args, doc, body, steps, (first.key, second.key)
    )


def branch(rng):
    """One of two pipelines, chosen by a test on the whole list."""
    args = Arguments(rng, rng.choice(LISTS), "nums")
    test, words, code = rng.choice(
        (
            ("odd", "the length of {xs} is odd", "len({xs}) % 2 == 1"),
            ("long", "{xs} has more than three elements", "len({xs}) > 3"),
            ("sumpos", "the sum of {xs} is positive", "sum({xs}) > 0"),
            ("zero", "{xs} contains zero", "0 in {xs}"),
            ("sumeven", "the sum of {xs} is even", "sum({xs}) % 2 == 0"),
            ("ends", "the first and the last element of {xs} are equal", "{xs}[:1] == {xs}[-1:]"),
            ("sorted", "{xs} is in ascending order", "{xs} == sorted({xs})"),
        )
    )
    words, code = words.replace("{xs}", args.first), code.replace("{xs}", args.first)
    first, second = scalar_pipeline(rng, args), scalar_pipeline(rng, args)
    place = "in " + args.first
    doc = rng.choice(("If %s, return %s, otherwise %s.", "When %s the result is %s; in all other cases it is %s.")) % (
        words,
        first.noun_phrase(place),
        second.noun_phrase(place),
    )
    body = "if %s:\n    return %s\nreturn %s" % (code, scalar(first), scalar(second))
    steps = ("Check whether %s." % words, "Then %s." % first.noun_phrase(place), "Else %s." % second.noun_phrase(place))
    return problem(
        "branch", 3, "%s/%s/%s" % (test, first.key, second.key), args, doc, body, steps, (first.key, second.key)
    )


def scalar_pipeline(rng, args):
    """A pipeline over the numbers of the first argument whose body is one return of a number."""
    domain = DOMAINS["numbers"]
    params, full = list(args.params), args.full
    while True:
        args.params, args.full = list(params), full
        pipe = draw_pipeline(rng, domain, args, simple=True)
        if (
            pipe.reduce.id in ("sum", "count", "max", "min", "ndist")
            and len(pipe.filters) + (pipe.map is not None) < 2
            and "None" not in pipe.reduce.noun
        ):
            return pipe


def scalar(pipe):
    """The expression that a scalar pipeline returns."""
    return pipe.body(Comprehension)[0][len("return ") :]


class Comprehension:
    """Stands in for a random source and always asks for the comprehension style."""

    @staticmethod
    def random():
        return 1.0
