/// The points that no other beats: the indices, in their order, of those to which no other is at least equal in
/// both coordinates and greater in one. More is better in both; negate what should be small.
///
/// Equal points are on the front together. A point with a NaN is not on it and beats none.
///
/// # Examples
/// ```
/// // tokens/s and pass@1: slow and good, fast and bad, and one that is worse than either.
/// let front = infer_code_cad_report::pareto_front(&[(39.0, 0.23), (70.0, 0.20), (38.0, 0.19)]);
/// assert_eq!(front, [0, 1]);
/// ```
pub fn pareto_front(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..points.len()).filter(|&i| !points[i].0.is_nan() && !points[i].1.is_nan()).collect();
    // Adding 0 makes -0 and 0 one value.
    let key = |i: usize| (points[i].0 + 0.0, points[i].1 + 0.0);
    order.sort_by(|&a, &b| {
        let (a, b) = (key(a), key(b));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let mut front: Vec<usize> = vec![];
    let mut best: Option<(f64, f64)> = None;
    for index in order {
        let point = key(index);
        if best.is_none_or(|best| point.1 > best.1 || point == best) {
            best = Some(point);
            front.push(index);
        }
    }
    front.sort_unstable();
    front
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beats(a: (f64, f64), b: (f64, f64)) -> bool {
        a.0 >= b.0 && a.1 >= b.1 && a != b
    }

    #[test]
    fn edges() {
        assert!(pareto_front(&[]).is_empty());
        assert_eq!(pareto_front(&[(1.0, 1.0), (1.0, 1.0), (1.0, 0.5)]), [0, 1]);
        assert_eq!(pareto_front(&[(f64::NAN, 9.0), (0.0, 0.0), (-0.0, 0.0)]), [1, 2]);
    }

    proptest! {
        #[test]
        fn on_it_is_exactly_what_none_beats(
            points in prop::collection::vec((0..6i32, 0..6i32), 0..25)
        ) {
            let points: Vec<(f64, f64)> =
                points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            let expected: Vec<usize> = (0..points.len())
                .filter(|&i| !points.iter().any(|&other| beats(other, points[i])))
                .collect();
            prop_assert_eq!(pareto_front(&points), expected);
        }
    }
}
