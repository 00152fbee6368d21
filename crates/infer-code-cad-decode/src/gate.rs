use std::fmt;
use std::str::FromStr;

use crate::certainty::Distribution;
use crate::contrast::check;
use crate::{DecodeError, Logits};

/// Where a [`Contrast`](crate::Contrast) holds. Where it does not, neither does its mask: the row is that of stream 0.
///
/// By name they are `open`, `entropy:1.5`, `deviation:0.002` and `constraint:4`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum ContrastGate {
    /// Everywhere.
    #[default]
    Open,
    /// Where row 0 is uncertain: where its entropy is at least so many nats. Elsewhere the row is that of stream 0.
    Entropy(f32),
    /// Where row 0 is uncertain: where the standard deviation of its probabilities over the vocabulary is at most this.
    /// Elsewhere the row is that of stream 0. A sure row over `v` tokens has `1 / sqrt(v)` almost, an even one 0.
    ///
    /// Wang et al., [USCD](https://arxiv.org/abs/2409.05923).
    Deviation(f32),
    /// Everywhere, but tokens that are neither within this factor of row 0's best probability nor within it of its
    /// least are led by row 1: for them the contrast is added to row 1's log-probability, for the others to row 0's.
    /// Where the best token is alone within the factor, all but the least are led by row 1.
    ///
    /// Yuan et al., [COIECD](https://arxiv.org/abs/2402.11893), as their code has it, with a factor of 4 and alpha 1;
    /// the entropy of their bound shifts all tokens alike and so cancels.
    Constraint(f32),
}

impl ContrastGate {
    /// What they are called, for errors and help.
    pub const NAMES: &str = "open, entropy:NATS, deviation:MOST or constraint:FACTOR, each at least 0 and a factor at \
                             least 1";

    pub(crate) fn check(self) -> Result<(), DecodeError> {
        let (name, value, in_range, expected) = match self {
            Self::Open => return Ok(()),
            Self::Entropy(nats) => ("entropy", nats, nats >= 0.0, "a value of at least 0"),
            Self::Deviation(most) => ("deviation", most, most >= 0.0, "a value of at least 0"),
            Self::Constraint(factor) => {
                ("constraint", factor, factor >= 1.0, "a value of at least 1")
            }
        };
        check(name, value, in_range, expected)
    }

    /// Whether the contrast holds at this position at all.
    pub(crate) fn is_open(self, rows: Logits<'_>) -> Result<bool, DecodeError> {
        Ok(match self {
            Self::Open | Self::Constraint(_) => true,
            Self::Entropy(least) => Distribution::of(rows, 0)?.entropy() >= f64::from(least),
            Self::Deviation(most) => Distribution::of(rows, 0)?.deviation() <= f64::from(most),
        })
    }
}

impl fmt::Display for ContrastGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Entropy(nats) => write!(f, "entropy:{nats}"),
            Self::Deviation(most) => write!(f, "deviation:{most}"),
            Self::Constraint(factor) => write!(f, "constraint:{factor}"),
        }
    }
}

impl FromStr for ContrastGate {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        let unknown =
            || DecodeError::other(format!("no gate is called {text:?}; choose {}", Self::NAMES));
        if text == "open" {
            return Ok(Self::Open);
        }
        let (name, value) = text.split_once(':').ok_or_else(unknown)?;
        let value = value.parse().map_err(|_| unknown())?;
        let gate = match name {
            "entropy" => Self::Entropy(value),
            "deviation" => Self::Deviation(value),
            "constraint" => Self::Constraint(value),
            _ => return Err(unknown()),
        };
        gate.check().map(|()| gate)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for gate in [
            ContrastGate::Open,
            ContrastGate::Entropy(1.5),
            ContrastGate::Deviation(0.002),
            ContrastGate::Constraint(4.0),
        ] {
            assert_eq!(gate.to_string().parse::<ContrastGate>().unwrap(), gate);
        }
        for text in
            ["", "open:1", "entropy", "entropy:x", "entropy:-1", "constraint:0.5", "deviation:NaN"]
        {
            text.parse::<ContrastGate>().unwrap_err();
        }
    }
}
