//! The agreement of drafts and tests, from what passes what alone.

use std::collections::BTreeMap;

use super::TestWeights;

/// What passes what: unique drafts and unique tests, with how often each was written.
#[derive(Debug, Clone)]
pub(super) struct Passes {
    /// `(drafts, tests)`
    pub(super) passes: Vec<Vec<bool>>,
    /// Of each draft.
    pub(super) drafts: Vec<usize>,
    /// Of each test.
    pub(super) tests: Vec<usize>,
}

/// The drafts that agree best with the tests, and what made them so.
#[derive(Debug, PartialEq)]
pub(super) struct Agreement {
    /// The unique drafts of all groups of the best score.
    pub(super) best: Vec<usize>,
    /// How many drafts, repeated ones included, each group has, the best first.
    pub(super) groups: Vec<usize>,
    /// How many tests, repeated ones included, a draft of the best group passes.
    pub(super) passed: usize,
    /// Tests that weigh something.
    pub(super) weighing: usize,
}

impl Passes {
    /// The weight of each test; tests written twice have twice the weight.
    pub(super) fn weights(&self, rule: TestWeights) -> Vec<f64> {
        let weight = |test: usize| match rule {
            TestWeights::Count => 1.0,
            TestWeights::Aces => self.consistency(test).max(0.0),
        };
        (0..self.tests.len()).map(|test| weight(test) * self.tests[test] as f64).collect()
    }

    /// `2 AUC - 1` of the other tests' count for telling who passes this one from who does not: 0
    /// where all or none do.
    fn consistency(&self, test: usize) -> f64 {
        let others: Vec<usize> =
            (0..self.drafts.len()).map(|draft| self.passed(draft, Some(test))).collect();
        let (passing, failing): (Vec<usize>, Vec<usize>) =
            (0..self.drafts.len()).partition(|&draft| self.passes[draft][test]);
        let (mut balance, mut pairs) = (0.0, 0.0);
        for &a in &passing {
            for &b in &failing {
                let weight = (self.drafts[a] * self.drafts[b]) as f64;
                pairs += weight;
                balance += weight * f64::from(others[a].cmp(&others[b]) as i8);
            }
        }
        if pairs > 0.0 { balance / pairs } else { 0.0 }
    }

    /// How many tests a draft passes, one left out.
    fn passed(&self, draft: usize, left_out: Option<usize>) -> usize {
        let tests = (0..self.tests.len()).filter(|&test| Some(test) != left_out);
        tests.filter(|&test| self.passes[draft][test]).map(|test| self.tests[test]).sum()
    }

    /// The groups of drafts that pass the same tests, by
    /// `sqrt(drafts) * sum of the weights of tests passed`; `None` where no draft passes a test
    /// that weighs something.
    pub(super) fn agreement(&self, weights: &[f64]) -> Option<Agreement> {
        let mut groups: BTreeMap<&[bool], Vec<usize>> = BTreeMap::new();
        for (draft, passes) in self.passes.iter().enumerate() {
            groups.entry(passes).or_default().push(draft);
        }
        let size = |drafts: &[usize]| drafts.iter().map(|&draft| self.drafts[draft]).sum::<usize>();
        // The square of the score has no root to be rounded, so that equal scores are equal.
        let scored = groups.into_iter().map(|(passes, drafts)| {
            let weight =
                sum(weights.iter().zip(passes).filter(|(_, passes)| **passes).map(|(w, _)| *w));
            (size(&drafts) as f64 * weight * weight, drafts)
        });
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by(|(a, first), (b, second)| b.total_cmp(a).then(first.cmp(second)));
        let top = scored.first().map(|(score, _)| *score).filter(|score| *score > 0.0)?;
        let best = scored.iter().take_while(|(score, _)| *score == top);
        let mut best: Vec<usize> = best.flat_map(|(_, drafts)| drafts.iter().copied()).collect();
        best.sort_unstable();
        Some(Agreement {
            groups: scored.iter().map(|(_, drafts)| size(drafts)).collect(),
            passed: self.passed(scored[0].1[0], None),
            weighing: weights.iter().filter(|weight| **weight > 0.0).count(),
            best,
        })
    }
}

/// A sum that does not depend on the order of its terms.
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut terms: Vec<f64> = terms.collect();
    terms.sort_by(f64::total_cmp);
    terms.into_iter().sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn all_passes() -> impl Strategy<Value = Passes> {
        (1..7usize, 0..7usize).prop_flat_map(|(drafts, tests)| {
            let row = prop::collection::vec(any::<bool>(), tests);
            let passes = prop::collection::vec(row, drafts);
            let counts = |length| prop::collection::vec(1..4usize, length);
            (passes, counts(drafts), counts(tests)).prop_map(|(passes, drafts, tests)| Passes {
                passes,
                drafts,
                tests,
            })
        })
    }

    /// Copies of tests, and the drafts that pass them.
    type Set = (Vec<(usize, usize)>, Vec<usize>);

    /// The published rule, letter by letter: every draft and test as often as it was written,
    /// drafts that pass the same list of tests in one set, and
    /// `sqrt(length of the set) * length of the list`.
    fn published(all: &Passes) -> Option<BTreeSet<usize>> {
        let mut sets: Vec<Set> = vec![];
        for (draft, &copies) in all.drafts.iter().enumerate() {
            for _ in 0..copies {
                let mut cases = vec![];
                for (test, &written) in all.tests.iter().enumerate() {
                    for copy in 0..written {
                        if all.passes[draft][test] {
                            cases.push((test, copy));
                        }
                    }
                }
                if cases.is_empty() {
                    continue;
                }
                match sets.iter_mut().find(|(known, _)| *known == cases) {
                    Some((_, drafts)) => drafts.push(draft),
                    None => sets.push((cases, vec![draft])),
                }
            }
        }
        let score = |set: &Set| (set.1.len() as f64).sqrt() * set.0.len() as f64;
        let best = sets.iter().map(score).max_by(f64::total_cmp)?;
        let best = sets.iter().filter(|set| score(set) > best - 1e-9);
        Some(best.flat_map(|set| set.1.iter().copied()).collect())
    }

    /// The area under the curve by its definition, over drafts as often as they were written.
    fn auc(all: &Passes, test: usize) -> Option<f64> {
        let mut points = vec![];
        for (draft, &copies) in all.drafts.iter().enumerate() {
            let others =
                (0..all.tests.len()).filter(|&other| other != test && all.passes[draft][other]);
            let score: usize = others.map(|other| all.tests[other]).sum();
            points.extend(std::iter::repeat_n((score, all.passes[draft][test]), copies));
        }
        let (mut right, mut pairs) = (0.0, 0.0);
        for (high, _) in points.iter().filter(|(_, passes)| *passes) {
            for (low, _) in points.iter().filter(|(_, passes)| !passes) {
                pairs += 1.0;
                right += if high > low {
                    1.0
                } else if high == low {
                    0.5
                } else {
                    0.0
                };
            }
        }
        (pairs > 0.0).then_some(right / pairs)
    }

    proptest! {
        #[test]
        fn counting_is_the_published_rule(all in all_passes()) {
            let weights = all.weights(TestWeights::Count);
            let best = all.agreement(&weights).map(|found| found.best.into_iter().collect());
            prop_assert_eq!(best, published(&all));
        }

        #[test]
        fn a_weight_is_what_the_area_under_the_curve_is_above_chance(all in all_passes()) {
            for (test, weight) in all.weights(TestWeights::Aces).into_iter().enumerate() {
                let expected = auc(&all, test).map_or(0.0, |auc| (2.0 * auc - 1.0).max(0.0));
                let expected = expected * all.tests[test] as f64;
                prop_assert!((weight - expected).abs() < 1e-12, "{} {}", weight, expected);
            }
        }

        #[test]
        fn the_order_of_drafts_and_tests_does_not_matter(all in all_passes(), seed in any::<u64>()) {
            let order = |length: usize| {
                let mut places: Vec<usize> = (0..length).collect();
                places.sort_by_key(|&at| (at as u64 + 1).wrapping_mul(seed | 1) >> 7);
                places
            };
            let (drafts, tests) = (order(all.drafts.len()), order(all.tests.len()));
            let row = |&d: &usize| tests.iter().map(|&t| all.passes[d][t]).collect();
            let moved = Passes {
                passes: drafts.iter().map(row).collect(),
                drafts: drafts.iter().map(|&d| all.drafts[d]).collect(),
                tests: tests.iter().map(|&t| all.tests[t]).collect(),
            };
            for rule in [TestWeights::Count, TestWeights::Aces] {
                let before = all.agreement(&all.weights(rule));
                let after = moved.agreement(&moved.weights(rule));
                let before = before.map(|found| BTreeSet::from_iter(found.best));
                let after = after.map(|found| found.best.iter().map(|&d| drafts[d]).collect());
                prop_assert_eq!(before, after);
            }
        }

        #[test]
        fn what_all_or_none_pass_says_nothing_to_aces(all in all_passes(), passes in any::<bool>()) {
            let mut more = all.clone();
            more.passes.iter_mut().for_each(|row| row.push(passes));
            more.tests.push(2);
            let mut weights = all.weights(TestWeights::Aces);
            weights.push(0.0);
            prop_assert_eq!(more.weights(TestWeights::Aces), weights);
        }
    }

    #[test]
    fn a_test_that_contradicts_the_others_loses_its_weight() {
        // Three tests tell the first two drafts from the last two, and one says the opposite.
        let right = [true, true, true, false];
        let wrong = [false, false, false, true];
        let passes = vec![right.into(), right.into(), wrong.into(), wrong.into()];
        let all = Passes { passes, drafts: vec![1; 4], tests: vec![1, 1, 1, 9] };
        let counted = all.agreement(&all.weights(TestWeights::Count)).unwrap();
        assert_eq!((counted.best, counted.groups, counted.passed), (vec![2, 3], vec![2, 2], 9));
        // Copies of the false test are left out together, and so it cannot vouch for itself.
        assert_eq!(all.weights(TestWeights::Aces)[3], 0.0);
        let all = Passes { tests: vec![1; 4], ..all };
        let weighed = all.agreement(&all.weights(TestWeights::Aces)).unwrap();
        assert_eq!((weighed.best, weighed.weighing), (vec![0, 1], 3));
    }
}
