//! How certain a row is, and how far two rows are apart.

use crate::{DecodeError, Logits, vector};

/// A row as a distribution: `p = exp(logit - peak) / mass`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Distribution<'a> {
    row: &'a [f32],
    peak: f32,
    mass: f64,
}

impl<'a> Distribution<'a> {
    pub(crate) fn of(rows: Logits<'a>, stream: usize) -> Result<Self, DecodeError> {
        let (row, peak) = (rows.row(stream), rows.peak(stream)?);
        Ok(Self { row, peak, mass: vector::mass(row, peak) })
    }

    /// The largest logit.
    pub(crate) fn peak(&self) -> f32 {
        self.peak
    }

    /// The logarithm of the mass. With the peak it is what is to be taken from a logit to make it a natural
    /// log-probability.
    pub(crate) fn log_mass(&self) -> f64 {
        self.mass.ln()
    }

    /// `-sum p ln p`, in nats.
    pub(crate) fn entropy(&self) -> f64 {
        self.log_mass() - vector::moment(self.row, self.peak) / self.mass
    }

    /// The standard deviation of the probabilities over the vocabulary: 0 where all are alike, and the larger the
    /// more one of them stands out.
    pub(crate) fn deviation(&self) -> f64 {
        let n = self.row.len() as f64;
        let squares = vector::squares(self.row, self.peak) / (self.mass * self.mass);
        (squares / n - (1.0 / n).powi(2)).max(0.0).sqrt()
    }

    /// The Jensen-Shannon divergence of two rows in nats, in `[0, ln 2]`: how much more uncertain their mean is than
    /// they are.
    pub(crate) fn divergence(&self, other: &Self) -> f64 {
        let rows = [(self.row, self.peak), (other.row, other.peak)];
        let of_mean = vector::mean_entropy(rows, [self.mass, other.mass]);
        let own = (self.entropy() + other.entropy()) / 2.0;
        (of_mean - own).clamp(0.0, std::f64::consts::LN_2)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(row: &[f32]) -> Vec<f64> {
        let peak = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f64> = row.iter().map(|l| f64::from(l - peak).exp()).collect();
        let mass: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / mass).collect()
    }

    fn entropy(shares: &[f64]) -> f64 {
        -shares.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>()
    }

    fn logit() -> impl Strategy<Value = f32> {
        prop_oneof![9 => -30.0f32..30.0, 1 => Just(f32::NEG_INFINITY)]
    }

    proptest! {
        #[test]
        fn the_definitions(pairs in prop::collection::vec((logit(), logit()), 1..300)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            prop_assume!([&a, &b].iter().all(|row| row.iter().any(|l| l.is_finite())));
            let values = [a.clone(), b.clone()].concat();
            let rows = Logits::new(&values, 2, a.len()).unwrap();
            let (first, second) = (Distribution::of(rows, 0).unwrap(), Distribution::of(rows, 1).unwrap());
            let (p, q) = (shares(&a), shares(&b));
            prop_assert!((first.entropy() - entropy(&p)).abs() < 1e-5);
            let n = p.len() as f64;
            let deviation = (p.iter().map(|p| (p - 1.0 / n).powi(2)).sum::<f64>() / n).sqrt();
            prop_assert!((first.deviation() - deviation).abs() < 1e-4);
            let mean: Vec<f64> = p.iter().zip(&q).map(|(p, q)| (p + q) / 2.0).collect();
            let expected = entropy(&mean) - (entropy(&p) + entropy(&q)) / 2.0;
            prop_assert!((first.divergence(&second) - expected).abs() < 1e-5);
            prop_assert_eq!(first.divergence(&second), second.divergence(&first));
        }
    }

    #[test]
    fn rows_that_share_nothing_are_as_far_apart_as_can_be() {
        let rows = [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0];
        let rows = Logits::new(&rows, 2, 2).unwrap();
        let (a, b) = (Distribution::of(rows, 0).unwrap(), Distribution::of(rows, 1).unwrap());
        assert!((a.divergence(&b) - std::f64::consts::LN_2).abs() < 1e-6);
        assert_eq!(a.divergence(&a), 0.0);
    }
}
