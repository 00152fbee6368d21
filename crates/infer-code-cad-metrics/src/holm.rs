use crate::MetricError;

/// A contrast with its p-value before and after [`holm`].
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// The contrast's name.
    pub name: String,
    /// Its own p-value.
    pub p: f64,
    /// The p-value to compare with the level: over all contrasts, the chance of even one false alarm is then
    /// at most that level.
    pub adjusted: f64,
}

/// Holm's correction over named contrasts, in their order.
///
/// The smallest p counts as many times as there are contrasts, the next once less, and none less than the one
/// before it. Name the contrasts before the run: those that are added, or dropped, after a look at the data
/// are not corrected for.
/// Holm, [A Simple Sequentially Rejective Multiple Test Procedure](https://www.jstor.org/stable/4615733).
///
/// # Errors
/// [`MetricError::Empty`] without contrasts, [`MetricError::Contrast`] for a p-value outside [0, 1],
/// [`MetricError::DuplicateName`] for a name that occurs twice.
///
/// # Examples
/// ```
/// let adjusted = infer_code_cad_metrics::holm(&[("cad", 0.03), ("rag", 0.01), ("sc", 0.04)])?;
/// let p: Vec<f64> = adjusted.iter().map(|contrast| contrast.adjusted).collect();
/// assert_eq!(p, [0.06, 0.03, 0.06]);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn holm(contrasts: &[(&str, f64)]) -> Result<Vec<Adjusted>, MetricError> {
    check(contrasts)?;
    let mut order: Vec<usize> = (0..contrasts.len()).collect();
    order.sort_by(|&left, &right| contrasts[left].1.total_cmp(&contrasts[right].1));
    let mut adjusted: Vec<Adjusted> = contrasts
        .iter()
        .map(|&(name, p)| Adjusted { name: name.to_owned(), p, adjusted: p })
        .collect();
    let mut least = 0.0;
    for (place, &contrast) in order.iter().enumerate() {
        let times = (contrasts.len() - place) as f64;
        least = (times * contrasts[contrast].1).min(1.0).max(least);
        adjusted[contrast].adjusted = least;
    }
    Ok(adjusted)
}

fn check(contrasts: &[(&str, f64)]) -> Result<(), MetricError> {
    if contrasts.is_empty() {
        return Err(MetricError::Empty);
    }
    for (place, &(name, p)) in contrasts.iter().enumerate() {
        if !(0.0..=1.0).contains(&p) {
            return Err(MetricError::Contrast { name: name.to_owned(), p });
        }
        if contrasts[..place].iter().any(|&(earlier, _)| earlier == name) {
            return Err(MetricError::DuplicateName { name: name.to_owned() });
        }
    }
    Ok(())
}
