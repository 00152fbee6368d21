use std::f64::consts::PI;

use super::invert;

/// The probability that a Beta(a, b) value is at most `x`: the regularized incomplete beta function; `a` and `b`
/// are positive.
pub(crate) fn cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // Each side's fraction converges quickly on its own side of the mean.
    if x < (a + 1.0) / (a + b + 2.0) { left_tail(x, a, b) } else { 1.0 - left_tail(1.0 - x, b, a) }
}

/// The `x` with `cdf(x, a, b) = probability`.
pub(crate) fn quantile(probability: f64, a: f64, b: f64) -> f64 {
    invert(0.0, 1.0, probability, |x| cdf(x, a, b))
}

/// The probability of exactly `hits` of `n` trials at the chance `p` each; both counts may be fractions.
///
/// `sqrt(n / (2 pi hits misses)) exp(..)` with the remainders of Stirling's formula and the deviances in
/// the exponent, none of which cancels: full precision at any count.
/// Loader, [Fast and Accurate Computation of Binomial
/// Probabilities](https://www.r-project.org/doc/reports/CLoader-dbinom-2002.pdf).
pub(crate) fn binomial(hits: f64, n: f64, p: f64) -> f64 {
    let misses = n - hits;
    if hits == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if misses == 0.0 {
        return (n * p.ln()).exp();
    }
    let remainders = stirling_remainder(n) - stirling_remainder(hits) - stirling_remainder(misses);
    let deviances = deviance(hits, n * p) + deviance(misses, n * (1.0 - p));
    (n / (2.0 * PI * hits * misses)).sqrt() * (remainders - deviances).exp()
}

/// The continued fraction of the incomplete beta function, evaluated from the front (modified Lentz).
/// Press et al., *Numerical Recipes*, section 6.4; about `sqrt(max(a, b))` terms.
fn left_tail(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut below = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let (mut above, mut fraction) = (1.0, below);
    let mut step = |term: f64| {
        below = 1.0 / nonzero(1.0 + term * below);
        above = nonzero(1.0 + term / above);
        fraction *= below * above;
        (below * above - 1.0).abs()
    };
    let most = 1_000.0 + 20.0 * a.max(b).sqrt();
    let mut m = 1.0;
    while m < most {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        step(even);
        if step(odd) <= f64::EPSILON {
            break;
        }
        m += 1.0;
    }
    // x^a (1-x)^b / (a B(a, b)), as a binomial probability.
    binomial(a, a + b, x) * b / (a + b) * fraction
}

/// `ln z! - ln(sqrt(2 pi z) (z / e)^z)`, for `z > 0`.
fn stirling_remainder(mut z: f64) -> f64 {
    let mut below_series = 0.0;
    while z < 16.0 {
        below_series += (z + 0.5) * z.recip().ln_1p() - 1.0;
        z += 1.0;
    }
    let square = z * z;
    let series =
        1.0 / 360.0 - (1.0 / 1_260.0 - (1.0 / 1_680.0 - 1.0 / 1_188.0 / square) / square) / square;
    below_series + (1.0 / 12.0 - series / square) / z
}

/// `x ln(x / mean) + mean - x`, without cancellation where `x` is near `mean`.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    // ln(x / mean) = 2 artanh(ratio), as a series.
    let ratio = difference / (x + mean);
    let mut power = 2.0 * x * ratio;
    let mut sum = difference * ratio;
    for odd in (3..1_000).step_by(2) {
        power *= ratio * ratio;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}
