use crate::pass_at_k::{mean, pass_at_k_of_each};
use crate::{MetricError, Tally};

/// What one sample of a technique costs on average, in the three units that a budget may be in.
///
/// No unit is fair to all: equal tokens ignore that streams of one step share the reading of the weights, equal
/// seconds hold for one machine. Report all three.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleCost {
    /// Tokens that went through the model, every stream's: 100 tokens by context-aware decoding are 200.
    pub tokens: f64,
    /// Times that the weights were read.
    pub weight_passes: f64,
    /// Seconds.
    pub seconds: f64,
}

impl SampleCost {
    /// A sample of `generated` tokens (prompts left out), each of which took one step of `streams` streams in
    /// one pass.
    ///
    /// # Examples
    /// ```
    /// let cad = infer_code_cad_metrics::SampleCost::of_streams(100.0, 2, 1.5);
    /// assert_eq!((cad.tokens, cad.weight_passes, cad.seconds), (200.0, 100.0, 1.5));
    /// ```
    pub fn of_streams(generated: f64, streams: u32, seconds: f64) -> Self {
        Self { tokens: generated * f64::from(streams), weight_passes: generated, seconds }
    }

    /// The cost in one unit.
    pub fn in_unit(&self, unit: BudgetUnit) -> f64 {
        match unit {
            BudgetUnit::Tokens => self.tokens,
            BudgetUnit::WeightPasses => self.weight_passes,
            BudgetUnit::Seconds => self.seconds,
        }
    }
}

/// The unit of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetUnit {
    /// [`SampleCost::tokens`].
    Tokens,
    /// [`SampleCost::weight_passes`].
    WeightPasses,
    /// [`SampleCost::seconds`].
    Seconds,
}

/// A technique to compare: what its samples came to, and what one costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its tally of every problem; all arms have the same problems in the same order.
    pub tallies: &'a [Tally],
    /// What one of its samples costs.
    pub cost: SampleCost,
}

/// What an arm makes of a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct AtBudget {
    /// The arm's name.
    pub name: String,
    /// Samples per problem that the budget affords; may be a fraction.
    pub k: f64,
    /// Mean pass@k over problems.
    pub value: f64,
    /// pass@k of every problem, for intervals and paired tests.
    pub values: Vec<f64>,
}

impl Arm<'_> {
    /// The arm's pass@k for the `k` that `budget` (per problem) affords.
    ///
    /// A budget for 2.3 samples is spent as 2 samples on 70 % of problems, drawn at random, and 3 on the others;
    /// the value is what that solves on average: pass@2 and pass@3, weighted. One for .4 samples leaves 60 % of
    /// problems without any, unsolved. So equal budgets are spent equally, and no arm loses by rounding.
    ///
    /// # Errors
    /// [`MetricError::Arm`] around: [`MetricError::Parameter`] for a cost that is not above 0 or a budget that is
    /// not at least 0; [`MetricError::Empty`] without problems; [`MetricError::Problem`] with the first that has
    /// fewer samples than the budget affords.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_metrics::{Arm, BudgetUnit, SampleCost, Tally};
    ///
    /// let tallies = [Tally { n: 10, c: 5 }, Tally { n: 10, c: 0 }];
    /// let cad = Arm { name: "cad", tallies: &tallies, cost: SampleCost::of_streams(100.0, 2, 1.5) };
    /// let one_and_a_half = cad.at_budget(BudgetUnit::Tokens, 300.0)?;
    /// let halfway = (1.0 / 4.0 + 7.0 / 18.0) / 2.0; // between pass@1 and pass@2
    /// assert!(one_and_a_half.k == 1.5 && (one_and_a_half.value - halfway).abs() < 1e-15);
    /// # Ok::<(), infer_code_cad_metrics::MetricError>(())
    /// ```
    pub fn at_budget(&self, unit: BudgetUnit, budget: f64) -> Result<AtBudget, MetricError> {
        self.afforded(unit, budget).map_err(|reason| self.wrong(reason))
    }

    fn afforded(&self, unit: BudgetUnit, budget: f64) -> Result<AtBudget, MetricError> {
        let cost = self.checked_cost(unit)?;
        if !(budget.is_finite() && budget >= 0.0) {
            let expected = "a finite budget, at least 0";
            return Err(MetricError::Parameter { name: "budget", value: budget, expected });
        }
        let k = whole_if_nearly(budget / cost);
        let (whole, share) = (k.floor(), k.fract());
        let less = self.at_k(whole as u64)?;
        let values = if share == 0.0 {
            less
        } else {
            let more = self.at_k(whole as u64 + 1)?;
            less.iter().zip(&more).map(|(less, more)| less + share * (more - less)).collect()
        };
        Ok(AtBudget { name: self.name.to_owned(), k, value: mean(&values), values })
    }

    fn at_k(&self, k: u64) -> Result<Vec<f64>, MetricError> {
        if self.tallies.is_empty() {
            return Err(MetricError::Empty);
        }
        if k == 0 { Ok(vec![0.0; self.tallies.len()]) } else { pass_at_k_of_each(self.tallies, k) }
    }

    fn checked_cost(&self, unit: BudgetUnit) -> Result<f64, MetricError> {
        let cost = self.cost.in_unit(unit);
        if cost.is_finite() && cost > 0.0 {
            return Ok(cost);
        }
        let name = match unit {
            BudgetUnit::Tokens => "tokens",
            BudgetUnit::WeightPasses => "weight_passes",
            BudgetUnit::Seconds => "seconds",
        };
        Err(MetricError::Parameter { name, value: cost, expected: "a finite cost above 0" })
    }

    fn wrong(&self, reason: MetricError) -> MetricError {
        MetricError::Arm { name: self.name.to_owned(), reason: Box::new(reason) }
    }
}

/// What every arm makes of one budget per problem, in the order of `arms`: [`Arm::at_budget`].
///
/// # Errors
/// [`MetricError::Empty`] without arms, [`MetricError::Lengths`] when they have unequal numbers of problems,
/// otherwise as [`Arm::at_budget`].
pub fn equal_budget(
    arms: &[Arm<'_>],
    unit: BudgetUnit,
    budget: f64,
) -> Result<Vec<AtBudget>, MetricError> {
    let problems = arms.first().ok_or(MetricError::Empty)?.tallies.len();
    match arms.iter().find(|arm| arm.tallies.len() != problems) {
        Some(other) => Err(MetricError::Lengths { first: problems, second: other.tallies.len() }),
        None => arms.iter().map(|arm| arm.at_budget(unit, budget)).collect(),
    }
}

/// The largest budget per problem that all arms have the samples for.
///
/// # Errors
/// [`MetricError::Empty`] without arms; [`MetricError::Arm`] for one without problems or without a cost.
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::{Arm, BudgetUnit, SampleCost, Tally, equal_budget, largest_budget};
///
/// let tallies = [Tally { n: 10, c: 5 }, Tally { n: 10, c: 1 }];
/// let arm = |name, streams| Arm { name, tallies: &tallies, cost: SampleCost::of_streams(100.0, streams, 1.0) };
/// let arms = [arm("vanilla", 1), arm("cad", 2)];
/// let budget = largest_budget(&arms, BudgetUnit::Tokens)?; // vanilla's 10 samples are 5 of cad
/// assert_eq!(budget, 1_000.0);
/// let k = equal_budget(&arms, BudgetUnit::Tokens, budget)?.into_iter().map(|arm| arm.k);
/// assert_eq!(k.collect::<Vec<_>>(), [10.0, 5.0]);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn largest_budget(arms: &[Arm<'_>], unit: BudgetUnit) -> Result<f64, MetricError> {
    let mut largest = f64::INFINITY;
    for arm in arms {
        let fewest = arm.tallies.iter().map(|tally| tally.n).min();
        let fewest = fewest.ok_or_else(|| arm.wrong(MetricError::Empty))?;
        let cost = arm.checked_cost(unit).map_err(|reason| arm.wrong(reason))?;
        largest = largest.min(cost * fewest as f64);
    }
    if arms.is_empty() { Err(MetricError::Empty) } else { Ok(largest) }
}

/// A quotient that only a rounding keeps from a whole number is that number: 10 samples must not ask for an
/// eleventh.
fn whole_if_nearly(k: f64) -> f64 {
    if (k - k.round()).abs() <= 1e-9 * k { k.round() } else { k }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TALLIES: [Tally; 3] =
        [Tally { n: 10, c: 0 }, Tally { n: 10, c: 3 }, Tally { n: 12, c: 12 }];

    fn arm(tokens: f64) -> Arm<'static> {
        let cost = SampleCost { tokens, weight_passes: tokens, seconds: 0.0 };
        Arm { name: "arm", tallies: &TALLIES, cost }
    }

    #[test]
    fn a_whole_budget_is_pass_at_k_and_none_is_nothing() {
        for k in 1..=10 {
            let at = arm(7.3).at_budget(BudgetUnit::Tokens, 7.3 * k as f64).unwrap();
            assert_eq!((at.k, at.value), (k as f64, crate::mean_pass_at_k(&TALLIES, k).unwrap()));
        }
        let nothing = arm(7.3).at_budget(BudgetUnit::Tokens, 0.0).unwrap();
        assert_eq!((nothing.k, nothing.value), (0.0, 0.0));
    }

    #[test]
    fn errors_name_the_arm_and_the_remedy() {
        let error = arm(1.0).at_budget(BudgetUnit::Tokens, 10.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "arm arm cannot be compared: problem 0 cannot be scored: k = 11 needs at least 11 samples, got 10; \
             draw more samples or lower k"
        );
        let error = arm(1.0).at_budget(BudgetUnit::Seconds, 1.0).unwrap_err();
        assert!(
            error.to_string().contains("seconds is 0, expected a finite cost above 0"),
            "{error}"
        );
        assert!(arm(1.0).at_budget(BudgetUnit::Tokens, f64::NAN).is_err());
        assert_eq!(equal_budget(&[], BudgetUnit::Tokens, 1.0), Err(MetricError::Empty));
        assert_eq!(largest_budget(&[], BudgetUnit::Tokens), Err(MetricError::Empty));
        let fewer = Arm { tallies: &TALLIES[1..], ..arm(1.0) };
        let error = equal_budget(&[arm(1.0), fewer], BudgetUnit::Tokens, 1.0).unwrap_err();
        assert_eq!(error, MetricError::Lengths { first: 3, second: 2 });
    }

    proptest! {
        #[test]
        fn more_budget_never_hurts(cost in 0.1..50.0f64, share in 0.0..1.0f64, more in 0.0..1.0f64) {
            let most = largest_budget(&[arm(cost)], BudgetUnit::Tokens).unwrap();
            let at = |share: f64| arm(cost).at_budget(BudgetUnit::Tokens, share * most).unwrap().value;
            prop_assert!(at(share + more * (1.0 - share)) >= at(share) - 1e-12);
        }
    }
}
