/// The least distance of values that are added: whole vectors.
const LEAST_APART: usize = 8;

/// Turns a row by a Hadamard matrix, times the root of the number that comes back: of values so many
/// places apart, each result is a sum with other signs, so that one large value becomes many small ones.
///
/// Both factors of a product are turned, so that it stays what it is but for that number as a factor: a power
/// of two.
///
/// Ashkboos et al., [QuaRot](https://arxiv.org/abs/2404.00456), section 3.
#[inline(always)]
pub(crate) fn turn(row: &mut [f32]) -> usize {
    let mut apart = row.len();
    while apart.is_multiple_of(2) && apart >= 2 * LEAST_APART {
        apart /= 2;
    }
    let n_turned = row.len() / apart;
    while apart < row.len() {
        for pair in row.chunks_exact_mut(2 * apart) {
            let (first, second) = pair.split_at_mut(apart);
            for (x, y) in first.iter_mut().zip(second) {
                (*x, *y) = (*x + *y, *x - *y);
            }
        }
        apart *= 2;
    }
    n_turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_rows_have_the_products_they_had() {
        for (len, n_turned) in [(768, 64), (3072, 256), (384, 32), (24, 2), (7, 1), (33, 1)] {
            let mut x: Vec<f32> = (0..len).map(|i| (i as f32).sin()).collect();
            let mut y: Vec<f32> = (0..len).map(|i| (i as f32 * 1.7).cos() + 0.1).collect();
            let product = |x: &[f32], y: &[f32]| -> f64 {
                x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
            };
            let before = product(&x, &y);
            assert_eq!((turn(&mut x), turn(&mut y)), (n_turned, n_turned));
            let after = product(&x, &y) / n_turned as f64;
            assert!((before - after).abs() < 1e-4, "{len}: {before} {after}");
        }
    }

    #[test]
    fn an_outlier_is_spread() {
        let mut row = [0.0; 768];
        row[100] = 64.0;
        turn(&mut row);
        assert_eq!(row.iter().filter(|x| x.abs() == 64.0).count(), 64);
    }
}
