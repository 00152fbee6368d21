"""The training stream: sample i is a function of (seed, i) alone."""

import random
from collections import namedtuple
from dataclasses import replace

import mixtures
import piecewise
import two_pipelines
from classic_table import CLASSICS
from classics import classic_problem
from glossary import glossary_problem
from holdout import HELD_OUT_FAMILIES, in_training
from inputs import arguments, call
from notes import NOTES
from pipelines import DOMAINS, pipeline_problem
from problem import FUNCTION_NAMES
from prompts import completion_text, prompt_text

SEED = 20
BUILDERS = {}
BUILDERS.update({family: lambda rng, family=family: pipeline_problem(rng, family) for family in DOMAINS})
BUILDERS.update({classic.family: lambda rng, classic=classic: classic_problem(rng, classic) for classic in CLASSICS})
PIECEWISE = (
    piecewise.positions,
    piecewise.streak,
    piecewise.until,
    piecewise.replace,
    piecewise.partition,
    piecewise.dict_select,
    piecewise.sort_key,
    piecewise.group,
    two_pipelines.two_results,
    two_pipelines.branch,
    mixtures.sorted_filtered,
    mixtures.word_groups,
    mixtures.running_filtered,
)
BUILDERS.update({build.__name__: build for build in PIECEWISE})
WEIGHTS = {"numbers": 12, "chars": 8, "words": 9, "rows": 5, "range": 4, "digits": 3, "dict_values": 3}
WEIGHTS.update({build.__name__: 3 for build in PIECEWISE})
TICKETS = tuple(family for family in BUILDERS if family not in HELD_OUT_FAMILIES for _ in range(WEIGHTS.get(family, 1)))

REMARKS = (
    "{xs} is not changed.",
    "The order of {xs} matters.",
    "This is used by the weekly report.",
    "{xs} comes from a file.",
    "Speed is not important here.",
    "No other input is read.",
    "Use only the standard library.",
    "The caller prints the result.",
    "It is called once per day.",
    "Nothing is logged.",
)
# end: first sample after the phase; peak: of the learning rate; layouts: (technique, share) for ordinary problems;
# n_rivals: an irrelevant passage is the one of so many that shares most words with the docstring.
Phase = namedtuple("Phase", "end peak glossary_share layouts n_rivals")
PHASES = (
    Phase(
        48_000,
        1.0,
        0.38,
        (("vanilla", 0.46), ("cad", 0.17), ("rag", 0.13), ("cad+rag", 0.04), ("cot", 0.08), ("question", 0.12)),
        1,
    ),
    # More passages, and misleading ones as retrieval finds them.
    Phase(
        80_000,
        0.5,
        0.42,
        (("vanilla", 0.36), ("cad", 0.16), ("rag", 0.24), ("cad+rag", 0.09), ("cot", 0.08), ("question", 0.07)),
        4,
    ),
)
N_SAMPLES = PHASES[-1].end  # check.py goes through all of them
TERM_LAYOUTS = (("rag", 0.64), ("cad+rag", 0.28), ("vanilla", 0.03), ("cad", 0.02), ("cot", 0.01), ("question", 0.02))


def sample(seed, i):
    """(problem, technique, prompt, completion) of training sample `i`."""
    rng = random.Random("%s/%d" % (seed, i))
    phase = next(phase for phase in PHASES if i < phase.end)
    if rng.random() < phase.glossary_share:
        problem = draw(rng, glossary_problem)
        technique = pick(rng, TERM_LAYOUTS)
        passage = problem.passage
    else:
        problem = remark(rng, draw(rng, lambda rng: BUILDERS[rng.choice(TICKETS)](rng)))
        technique = pick(rng, phase.layouts)
        passage = None
        if "rag" in technique:
            passage = irrelevant_passage(rng, problem.doc, phase.n_rivals)
    return problem, technique, prompt_text(technique, problem, passage), completion_text(technique, problem)


def irrelevant_passage(rng, doc, n_rivals):
    """A note, or somebody else's definition: of `n_rivals` the one that shares most words with `doc`."""
    if rng.random() < 0.6 / n_rivals:
        return rng.choice(NOTES)
    rivals = [draw(rng, glossary_problem).passage for _ in range(n_rivals)]
    words = set(doc.split())
    return max(rivals, key=lambda passage: len(words & set(passage[1].split())))


def draw(rng, build):
    """Builds until the result is allowed in training, then names the function."""
    while True:
        problem = build(rng)
        if in_training(problem):
            return replace(problem, name=rng.choice(FUNCTION_NAMES))


def remark(rng, problem):
    """Adds a sentence that does not matter, or an example call, to some docstrings."""
    roll = rng.random()
    if roll < 0.12:
        text = rng.choice(REMARKS).replace("{xs}", problem.params[0][0])
        text = text[0].upper() + text[1:] if not text.startswith(problem.params[0][0]) else text
        return replace(problem, doc=problem.doc + " " + text)
    if roll < 0.17:
        values = arguments(rng, problem, small=True)
        try:
            result = repr(call(problem, values))
        except (ValueError, IndexError, ZeroDivisionError, TypeError):
            return problem
        if len(result) < 40:
            shown = ", ".join(repr(v) for v in values)
            return replace(
                problem, doc="%s For example, %s(%s) returns %s." % (problem.doc, problem.name, shown, result)
            )
    return problem


def pick(rng, shares):
    """One name of a table of (name, share)."""
    roll = rng.random()
    for name, share in shares:
        roll -= share
        if roll < 0:
            return name
    return shares[0][0]
