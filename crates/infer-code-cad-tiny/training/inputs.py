"""Deterministic arguments for each kind of parameter, for tests and for examples in docstrings."""

WORDS = (
    "apple",
    "Anna",
    "level",
    "sun",
    "river",
    "Tree",
    "noon",
    "stone",
    "art",
    "onion",
    "radar",
    "Iris",
    "tea",
    "nest",
    "oat",
    "salt",
    "Rose",
    "data",
    "ear",
    "seas",
    "rotor",
    "train",
    "Otto",
    "a",
    "to",
    "arena",
    "taint",
    "area",
    "x9",
    "R2",
    "iron",
    "eye",
    "trees",
    "sense",
    "eat",
)
EMPTY = {"nums": [], "text": "", "dict": {}, "grid": [], "brackets": "", "count": 0}
KEYS = ("pear", "fig", "kiwi", "plum", "lime", "nut", "bean", "corn")


def argument(rng, kind, small=False):
    """A random value of the kind; `small` for examples in a docstring."""
    if kind == "nums":
        values = list(range(-9, 10)) * 2 + [12, 15, 20, 24, 31, 38, 45, 57, 60, 73, 88, 99, 104, 130, -14, -25, -40]
        return [rng.choice(values) for _ in range(rng.randint(2, 4) if small else rng.randint(4, 9))]
    if kind == "text":
        words = [rng.choice(WORDS) for _ in range(2 if small else rng.randint(3, 7))]
        return (
            " ".join(words)
            if small or rng.random() < 0.6
            else " ".join(words) + rng.choice(("!", " 42", "?", " 7.", " a-b"))
        )
    if kind == "grid":
        n_columns = rng.randint(2, 3)
        return [[rng.randint(-4, 9) for _ in range(n_columns)] for _ in range(2 if small else rng.randint(2, 5))]
    if kind == "dict":
        return {rng.choice(KEYS): rng.randint(-9, 30) for _ in range(2 if small else 6)}
    if kind == "brackets":
        pair = rng.choice(("()", "[]", "{}", "<>"))
        return "".join(rng.choice(pair + pair + pair + "[](){}<>x") for _ in range(4 if small else rng.randint(6, 12)))
    if kind == "ch":
        return rng.choice("aeiorstn")
    if kind == "k":
        return rng.randint(2, 7)
    if kind == "span":
        return rng.randint(1, 20)
    return rng.choice((5, 7, 12)) if small else rng.choice((3, 8, 12, 17, 25, 36, 48, 60, 125, 974))


def arguments(rng, problem, small=False):
    """One value for every parameter; the end of a span lies above its start."""
    values = [argument(rng, kind, small) for _, kind in problem.params]
    if problem.params[0][1] == "span":
        values[1] = values[0] + rng.randint(3, 25)
    if problem.family == "recurrence" or problem.family in ("table", "triangle"):
        values[0] = rng.randint(1, 6)
    return values


def call(problem, values):
    """What the problem's own solution returns; raises what it raises."""
    scope = {}
    exec(problem.signature + "\n" + problem.solution, scope)  # our own generated code
    return scope[problem.name](*values)
