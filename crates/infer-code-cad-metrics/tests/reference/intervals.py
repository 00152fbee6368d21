"""Writes intervals.tsv: Wilson intervals, and where bootstrap percentiles of 0/1 values must lie.

Needs SciPy 1.17. The bootstrap mean of n values, s of them 1, is Binomial(n, s/n) / n, so its
percentiles are known without drawing. The order statistic of 10,000 draws that estimates one sits at
a Beta-distributed probability; the range given leaves out one in a million on either side.
"""

from pathlib import Path

from scipy.stats import beta, binom, binomtest

CASES = [(0, 10), (1, 1), (3, 10), (64, 164), (82, 164), (150, 164), (200, 974)]
DRAWS = 10_000
COLUMNS = "successes n level wilson_low wilson_high low_from low_to high_from high_to"


def percentile_range(successes, n, probability):
    at = beta.ppf([1e-6, 1 - 1e-6], probability * DRAWS, (1 - probability) * DRAWS + 1)
    return binom.ppf(at, n, successes / n) / n


with open(Path(__file__).with_suffix(".tsv"), "w") as out:
    out.write("\t".join(COLUMNS.split()) + "\n")
    for successes, n in CASES:
        for level in (0.5, 0.95, 0.999):
            wilson = binomtest(successes, n).proportion_ci(level, method="wilson")
            tail = (1 - level) / 2
            low = percentile_range(successes, n, tail)
            high = percentile_range(successes, n, 1 - tail)
            row = [successes, n, level, *map(float, (wilson.low, wilson.high, *low, *high))]
            out.write("\t".join(map(repr, row)) + "\n")
