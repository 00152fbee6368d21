use std::fmt;
use std::str::FromStr;

use crate::SelectError;

/// When a selection in waves has drafts enough.
///
/// A pure function of counts: of drafts, of those that pass, and of how many drafts do the same. It saves drafts where a
/// task is easy and makes no answer better. By name the rules are `all`, `first`, `doubling:0.75` and `beta:0.95`.
///
/// # Examples
/// ```
/// use infer_code_cad::Stopping;
///
/// let doubling: Stopping = "doubling:0.75".parse()?;
/// assert!(doubling.is_reached(4, 0, &[3, 1]));
/// assert!(!doubling.is_reached(5, 0, &[4, 1]), "it looks after 2, 4, 8, ... drafts");
/// assert!(Stopping::Beta(0.95).is_reached(4, 0, &[4]), "31/32");
/// assert!(!Stopping::Beta(0.95).is_reached(3, 0, &[3]), "15/16");
/// assert!("beta:2".parse::<Stopping>().is_err());
/// # Ok::<(), infer_code_cad::SelectError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Stopping {
    /// Never before all drafts are there.
    All,
    /// At the first draft that passes whatever is visible.
    #[default]
    First,
    /// After 2, 4, 8, ... drafts where the largest class has at least this share of them.
    Doubling(f64),
    /// Where the largest class is the most probable one with at least this probability: with `v1` and `v2` drafts in the
    /// two largest classes and a uniform prior over their shares, `P(p1 > p2) = 1 - I_1/2(v1 + 1, v2 + 1)`.
    ///
    /// Aggarwal et al., [Let's Sample Step by Step](https://arxiv.org/abs/2305.11860), section 3.
    Beta(f64),
}

impl Stopping {
    /// What they are called, for errors and help.
    pub const NAMES: &str = "all, first, doubling:SHARE or beta:PROBABILITY, a share above 0 and at most 1, a probability \
                             of at least 0.5 and below 1";

    /// Whether no further draft is needed, after `drafts` of them of which `passers` pass. `classes` are the sizes of the
    /// classes that have a vote, in any order; their sum may be below `drafts`.
    pub fn is_reached(self, drafts: usize, passers: usize, classes: &[usize]) -> bool {
        let (most, second) = two_largest(classes);
        match self {
            Self::All => false,
            Self::First => passers > 0,
            Self::Doubling(share) => {
                drafts >= 2 && drafts.is_power_of_two() && most as f64 >= share * drafts as f64
            }
            Self::Beta(probability) => most > 0 && dominance(most, second) >= probability,
        }
    }

    /// # Errors
    /// [`SelectError::Parameter`] for a share or a probability out of its range.
    pub(crate) fn check(self) -> Result<(), SelectError> {
        let (name, value, expected) = match self {
            Self::Doubling(share) if !(share > 0.0 && share <= 1.0) => {
                ("doubling", share, "a share above 0 and at most 1")
            }
            Self::Beta(p) if !(0.5..1.0).contains(&p) => {
                ("beta", p, "a probability of at least 0.5 and below 1")
            }
            _ => return Ok(()),
        };
        Err(SelectError::Parameter { part: "stop", name, value: value.to_string(), expected })
    }
}

fn two_largest(classes: &[usize]) -> (usize, usize) {
    classes.iter().fold((0, 0), |(most, second), &class| match class {
        class if class > most => (class, most),
        class => (most, second.max(class)),
    })
}

/// `1 - I_1/2(most + 1, second + 1)`: for whole arguments the probability that of `n = most + second + 1` throws of a coin
/// at most `most` are heads, `1 - sum over i <= second of C(n, i) / 2^n`.
fn dominance(most: usize, second: usize) -> f64 {
    const STEP: i32 = 500;
    let throws = most + second + 1;
    let mut halvings = i32::try_from(throws).unwrap_or(i32::MAX);
    let (mut term, mut tail) = (1.0_f64, 0.0_f64);
    for heads in 0..=second {
        tail += term;
        // A whole number each time, and exact up to 2^53.
        term = term * (throws - heads) as f64 / (heads + 1) as f64;
        // Powers of two are taken out in between, so that no count overflows.
        if term > 2.0_f64.powi(STEP) {
            (term, tail) = (term * 0.5_f64.powi(STEP), tail * 0.5_f64.powi(STEP));
            halvings -= STEP;
        }
    }
    1.0 - tail * 0.5_f64.powi(halvings)
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::First => f.write_str("first"),
            Self::Doubling(share) => write!(f, "doubling:{share}"),
            Self::Beta(probability) => write!(f, "beta:{probability}"),
        }
    }
}

impl FromStr for Stopping {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let (name, value) = text.split_once(':').map_or((text, None), |(n, v)| (n, v.parse().ok()));
        let stopping = match (name, value) {
            ("all", None) if text == name => Self::All,
            ("first", None) if text == name => Self::First,
            ("doubling", Some(share)) => Self::Doubling(share),
            ("beta", Some(probability)) => Self::Beta(probability),
            _ => {
                let (value, expected) = (format!("{text:?}"), Self::NAMES);
                return Err(SelectError::Parameter {
                    part: "selector",
                    name: "stop",
                    value,
                    expected,
                });
            }
        };
        stopping.check()?;
        Ok(stopping)
    }
}

#[cfg(test)]
mod tests;
