"""BM25 as the product ranked passages when the model was trained; since then titles weigh more (BM25F)."""

import math
import re
from collections import Counter

K1, B = 1.2, 0.75


def tokens(text):
    """Lower-cased words."""
    return re.findall(r"\w+", text.lower())


class Bm25:
    """Ranks (title, text) passages for a query."""

    def __init__(self, passages):
        self.counts = [Counter(tokens(title + " " + text)) for title, text in passages]
        self.lengths = [sum(c.values()) for c in self.counts]
        self.mean = sum(self.lengths) / len(self.lengths)
        self.df = Counter(word for c in self.counts for word in c)

    def best(self, query):
        """Index of the best passage."""
        words = tokens(query)
        scores = [self._score(words, i) for i in range(len(self.counts))]
        return max(range(len(scores)), key=lambda i: (scores[i], -i))

    def _score(self, words, i):
        n, counts = len(self.counts), self.counts[i]
        norm = K1 * (1 - B + B * self.lengths[i] / self.mean)
        return sum(
            math.log(1 + (n - self.df[w] + 0.5) / (self.df[w] + 0.5)) * counts[w] * (K1 + 1) / (counts[w] + norm)
            for w in words
            if w in counts
        )
