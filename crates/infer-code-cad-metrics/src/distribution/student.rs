use super::{beta, invert};

/// The probability that a value of Student's t with `freedom` degrees of freedom exceeds `t`.
pub(crate) fn upper_tail(t: f64, freedom: f64) -> f64 {
    let outside = beta::cdf(freedom / (freedom + t * t), freedom / 2.0, 0.5);
    if t < 0.0 { 1.0 - outside / 2.0 } else { outside / 2.0 }
}

/// The `t` for which a value of Student's t lies in `-t..=t` with probability `level`.
pub(crate) fn two_sided_t(level: f64, freedom: f64) -> f64 {
    let tail = (1.0 - level) / 2.0;
    let mut far = 1.0;
    while upper_tail(far, freedom) > tail && far < f64::MAX / 4.0 {
        far *= 2.0;
    }
    invert(0.0, far, -tail, |t| -upper_tail(t, freedom))
}
