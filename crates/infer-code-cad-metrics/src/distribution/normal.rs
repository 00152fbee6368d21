use std::f64::consts::PI;

use super::invert;

/// Beyond it, `1 - central_mass` is less than the last digit of 1.
const FAR: f64 = 9.0;

/// The probability that a standard normal value is at most `x`, to about 1e-16 (absolute).
pub(crate) fn cdf(x: f64) -> f64 {
    let mass = if x.abs() >= FAR { 1.0 } else { central_mass(x.abs()) };
    if x < 0.0 { (1.0 - mass) / 2.0 } else { (1.0 + mass) / 2.0 }
}

/// The `x` with `cdf(x) = probability`, which lies in (0, 1); at most 9 from 0.
pub(crate) fn quantile(probability: f64) -> f64 {
    let z = two_sided_z((2.0 * probability - 1.0).abs());
    if probability < 0.5 { -z } else { z }
}

/// The `z` for which a standard normal value lies in `-z..=z` with probability `level`.
pub(crate) fn two_sided_z(level: f64) -> f64 {
    invert(0.0, FAR, level, central_mass)
}

/// The probability that a standard normal value lies in `-z..=z`: `2 phi(z) (z + z^3/3 + z^5/15 +
/// ..)`, all terms positive.
/// Marsaglia, [Evaluating the Normal Distribution](https://doi.org/10.18637/jss.v011.i04).
fn central_mass(z: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term > sum * f64::EPSILON {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    2.0 * sum * (-z * z / 2.0).exp() / (2.0 * PI).sqrt()
}
