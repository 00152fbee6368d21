"""What training may never see: one composition key in five, whole families, one invented term in five."""

import hashlib

from public import PUBLIC

# Families that exist only in the benchmark. Each recombines skills of the training families.
HELD_OUT_FAMILIES = (
    "columns",
    "between",
    "alternate_items",
    "sorted_filtered",
    "running_filtered",
    "word_groups",
)


def held_out(key):
    """True for about one key in five, the same on every machine."""
    return hashlib.sha256(key.encode()).digest()[0] < 51


def in_training(problem):
    """True when neither the family nor any composition key of `problem` is held out or public."""
    return problem.family not in HELD_OUT_FAMILIES and not any(key in PUBLIC or held_out(key) for key in problem.keys)
