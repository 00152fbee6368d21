"""Small classics as parametrised families: rotation, run lengths, windows, recurrences and so on."""

from problem import Problem


def classic_problem(rng, classic):
    """A problem of one template: draw the slots, fill the wording and the code."""
    names = []
    for choices, _ in classic.params:
        name = rng.choice([c for c in choices.split() if c not in names])
        names.append(name)
    drawn = {slot: rng.choice(options) for slot, options in classic.slots.items() if options}
    values = {slot: option[2] for slot, option in drawn.items()}
    words = {slot: option[1] for slot, option in drawn.items()}
    derive(classic.family, drawn, values)
    fill = lambda text, table: _arguments(_slots(text, table), names)
    doc = fill(rng.choice(classic.docs), words)
    body = tuple(fill(classic.body, values).split("\n"))
    steps = tuple(fill(step, words) for step in classic.steps)
    key = classic.family + "/" + "/".join(drawn[slot][0] for slot in sorted(drawn))
    params = tuple((name, kind) for name, (_, kind) in zip(names, classic.params))
    return Problem(classic.family, classic.level, (key,), params, doc, body, steps)


def derive(family, drawn, values):
    """Fills the slots whose code follows from another slot."""
    if family == "caesar":
        values["first"] = '"a"' if drawn["kind"][0] == "low" else '"A"'
    if family == "brackets":
        values["open"], values["close"] = ('"%s"' % c for c in drawn["kind"][2])
    if family == "running":
        op = drawn["op"][0]
        values["start"] = "0" if op == "sum" else "1" if op == "prod" else "{a}[0] if {a} else 0"


def _slots(text, table):
    for slot, value in table.items():
        text = text.replace("<%s>" % slot, value)
    return text


def _arguments(text, names):
    for placeholder, name in zip(("{a}", "{b}"), names):
        text = text.replace(placeholder, name)
    return text
