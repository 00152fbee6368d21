//! How what drafts showed is counted. Nothing here runs a program.

use std::collections::BTreeMap;

use super::VoteRule;
use crate::selection::likelihood::first_best;

/// What a draft showed: of each input the number of its value, `None` where no value came.
pub(super) type Row = Vec<Option<usize>>;

/// A vote that was counted.
#[derive(Debug, PartialEq)]
pub(super) struct Tally {
    /// Of each draft.
    pub(super) scores: Vec<usize>,
    /// The inputs that count.
    pub(super) counted: Vec<usize>,
    /// How many drafts show the same of all counted inputs, largest first. Who shows no value is in
    /// no class.
    pub(super) classes: Vec<usize>,
    /// The drafts in some class.
    pub(super) voters: Vec<usize>,
    /// Whether any two drafts agree, on an input or, by the hard rule, on all.
    pub(super) agreed: bool,
}

impl Tally {
    pub(super) fn new(rows: &[Row], rule: VoteRule) -> Self {
        let counted = counted(rows, rule);
        let of = |row: &Row| -> Row { counted.iter().map(|&input| row[input]).collect() };
        let prints: Vec<Row> = rows.iter().map(of).collect();
        let votes = |print: &Row| print.iter().any(Option::is_some);
        let voters: Vec<usize> = (0..rows.len()).filter(|&at| votes(&prints[at])).collect();
        let mut sizes: BTreeMap<&Row, usize> = BTreeMap::new();
        for &voter in &voters {
            *sizes.entry(&prints[voter]).or_default() += 1;
        }
        let (scores, agreed) = match rule {
            VoteRule::Hard => {
                let size = |print| sizes.get(print).copied().unwrap_or(0);
                (prints.iter().map(size).collect(), sizes.values().any(|&size| size > 1))
            }
            VoteRule::Soft | VoteRule::MbrExec => agreements(&prints, counted.len()),
        };
        let mut classes: Vec<usize> = sizes.into_values().collect();
        classes.sort_unstable_by(|a, b| b.cmp(a));
        Self { scores, counted, classes, voters, agreed }
    }

    /// The draft of the highest score, of these the most probable, of these the first. Where no two
    /// agree, the most probable of those that show a value, or of all where none does.
    pub(super) fn chosen(&self, log_prob: impl Fn(usize) -> f64) -> usize {
        let all = 0..self.scores.len();
        let best = match (self.agreed, self.voters.is_empty()) {
            (true, _) => first_best(all, |draft| (self.scores[draft], log_prob(draft))),
            (false, true) => first_best(all, log_prob),
            (false, false) => first_best(self.voters.iter().copied(), log_prob),
        };
        best.unwrap_or(0)
    }
}

/// The inputs of which at least half of the drafts that show any value show one; by the rule of
/// MBR-exec all.
fn counted(rows: &[Row], rule: VoteRule) -> Vec<usize> {
    let inputs = rows.first().map_or(0, Vec::len);
    let alive: Vec<&Row> = rows.iter().filter(|row| row.iter().any(Option::is_some)).collect();
    let counts = |input: &usize| {
        let shown = alive.iter().filter(|row| row[*input].is_some()).count();
        rule == VoteRule::MbrExec || (shown > 0 && 2 * shown >= alive.len())
    };
    (0..inputs).filter(counts).collect()
}

/// Of each draft how many drafts, itself included, show its value, summed over inputs; and whether
/// two ever agree.
fn agreements(prints: &[Row], inputs: usize) -> (Vec<usize>, bool) {
    let (mut scores, mut agreed) = (vec![0; prints.len()], false);
    for input in 0..inputs {
        let mut shown: BTreeMap<usize, usize> = BTreeMap::new();
        for value in prints.iter().filter_map(|print| print[input]) {
            *shown.entry(value).or_default() += 1;
        }
        agreed |= shown.values().any(|&drafts| drafts > 1);
        for (score, print) in scores.iter_mut().zip(prints) {
            *score += print[input].map_or(0, |value| shown[&value]);
        }
    }
    (scores, agreed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `(drafts, inputs)`, with a log-probability each.
    fn ballots() -> impl Strategy<Value = (Vec<Row>, Vec<f64>)> {
        (1..8usize, 0..6usize).prop_flat_map(|(drafts, inputs)| {
            let row = prop::collection::vec(prop::option::weighted(0.7, 0..3usize), inputs);
            let log_probs = prop::collection::vec((-40..0i32).prop_map(f64::from), drafts);
            (prop::collection::vec(row, drafts), log_probs)
        })
    }

    /// The rules as they are said, draft by draft and pair by pair.
    fn by_pairs(rows: &[Row], rule: VoteRule) -> Vec<usize> {
        let alive = rows.iter().filter(|row| row.iter().flatten().count() > 0).count();
        let weight = |input: usize| {
            let silent = alive - rows.iter().filter(|row| row[input].is_some()).count();
            2 * silent <= alive && alive > 0
        };
        let inputs: Vec<usize> = (0..rows[0].len())
            .filter(|input| rule == VoteRule::MbrExec || weight(*input))
            .collect();
        let pair = |a: &Row, b: &Row| match rule {
            VoteRule::Hard => {
                let same = inputs.iter().all(|&x| a[x] == b[x]);
                usize::from(same && inputs.iter().any(|&x| a[x].is_some()))
            }
            _ => inputs.iter().filter(|&&x| a[x].is_some() && a[x] == b[x]).count(),
        };
        rows.iter().map(|a| rows.iter().map(|b| pair(a, b)).sum()).collect()
    }

    /// The authors' rule: the pair of matches with all samples and the sum of log-probabilities,
    /// the larger the better.
    fn mbr_exec(rows: &[Row], log_probs: &[f64]) -> usize {
        let mut best: Option<((usize, f64), usize)> = None;
        for (at, row) in rows.iter().enumerate() {
            let mut matches = 0;
            for other in rows {
                if let (Some(mine), Some(theirs)) = (row[0], other[0]) {
                    matches += usize::from(mine == theirs);
                }
            }
            let key = (matches, log_probs[at]);
            if best.is_none_or(|(known, _)| key > known) {
                best = Some((key, at));
            }
        }
        best.map_or(0, |(_, at)| at)
    }

    proptest! {
        #[test]
        fn scores_are_those_of_all_pairs((rows, _) in ballots()) {
            for rule in [VoteRule::Soft, VoteRule::Hard, VoteRule::MbrExec] {
                let tally = Tally::new(&rows, rule);
                prop_assert_eq!(&tally.scores, &by_pairs(&rows, rule));
                prop_assert_eq!(tally.classes.iter().sum::<usize>(), tally.voters.len());
                prop_assert!(tally.classes.is_sorted_by(|a, b| a >= b));
            }
        }

        #[test]
        fn one_input_and_the_first_largest_pair_is_mbr_exec((rows, log_probs) in ballots()) {
            let first = |row: &Row| vec![row.first().copied().flatten()];
            let rows: Vec<Row> = rows.iter().map(first).collect();
            let chosen = Tally::new(&rows, VoteRule::MbrExec).chosen(|at| log_probs[at]);
            prop_assert_eq!(chosen, mbr_exec(&rows, &log_probs));
        }

        #[test]
        fn the_order_of_drafts_and_inputs_decides_ties_alone(
            (rows, log_probs) in ballots(), drafts in any::<u64>(), inputs in any::<u64>(),
        ) {
            let drafts = order(rows.len(), drafts);
            let inputs = order(rows[0].len(), inputs);
            let moved: Vec<Row> =
                drafts.iter().map(|&d| inputs.iter().map(|&x| rows[d][x]).collect()).collect();
            for rule in [VoteRule::Soft, VoteRule::Hard, VoteRule::MbrExec] {
                let (before, after) = (Tally::new(&rows, rule), Tally::new(&moved, rule));
                let scores: Vec<usize> = drafts.iter().map(|&d| before.scores[d]).collect();
                prop_assert_eq!(&scores, &after.scores);
                prop_assert_eq!((&before.classes, before.agreed), (&after.classes, after.agreed));
                let chosen = before.chosen(|at| log_probs[at]);
                let other = drafts[after.chosen(|at| log_probs[drafts[at]])];
                prop_assert_eq!(log_probs[chosen], log_probs[other]);
                // Where nobody agrees scores choose nothing.
                prop_assert!(!before.agreed || before.scores[chosen] == before.scores[other]);
            }
        }
    }

    /// A permutation by a number.
    fn order(length: usize, seed: u64) -> Vec<usize> {
        let mut places: Vec<usize> = (0..length).collect();
        places.sort_by_key(|&at| (at as u64 + 1).wrapping_mul(seed | 1) >> 7);
        places
    }

    fn planted(values: &[usize]) -> Vec<Row> {
        values.iter().map(|&value| vec![Some(value); 3]).collect()
    }

    #[test]
    fn a_majority_wins_right_or_wrong() {
        // The right value is 0. Wrong drafts are likelier, which must not matter.
        let log_prob = |values: &[usize]| {
            let values = values.to_vec();
            move |at: usize| values[at] as f64
        };
        for rule in [VoteRule::Soft, VoteRule::Hard] {
            let values = [1, 0, 0, 2, 0, 0, 3, 0, 0, 4];
            let tally = Tally::new(&planted(&values), rule);
            assert_eq!(
                (tally.chosen(log_prob(&values)), &tally.classes[..]),
                (1, &[6, 1, 1, 1, 1][..])
            );
            let values = [0, 1, 1, 0, 1, 1, 0, 1, 1, 0];
            assert_eq!(Tally::new(&planted(&values), rule).chosen(log_prob(&values)), 1);
        }
    }

    #[test]
    fn without_agreement_the_most_probable_that_shows_a_value_is_chosen() {
        let rows = [vec![None, None], vec![Some(1), None], vec![Some(2), None]];
        for rule in [VoteRule::Soft, VoteRule::Hard, VoteRule::MbrExec] {
            let tally = Tally::new(&rows, rule);
            assert!(!tally.agreed);
            assert_eq!(tally.chosen(|at| [0.0, -2.0, -1.0][at]), 2);
            let silent = Tally::new(&[vec![None], vec![None]], rule);
            assert_eq!(silent.chosen(|at| at as f64), 1);
        }
    }

    #[test]
    fn an_input_on_which_most_raise_weighs_nothing_and_broken_drafts_do_not_make_it_so() {
        let raising = [vec![Some(0), Some(1)], vec![Some(0), None], vec![Some(2), None]];
        assert_eq!(Tally::new(&raising, VoteRule::Soft).counted, [0]);
        let broken = [&raising[..], &[vec![None, None], vec![None, None]]].concat();
        let tally = Tally::new(&broken, VoteRule::Soft);
        assert_eq!((tally.counted, tally.scores), (vec![0], vec![2, 2, 1, 0, 0]));
        assert_eq!(Tally::new(&raising, VoteRule::MbrExec).counted, [0, 1]);
    }
}
