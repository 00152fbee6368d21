use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};

/// The causal masks of one forward pass: layers and streams of the same lengths share theirs.
#[derive(Debug, Default)]
pub(crate) struct Masks(HashMap<(usize, usize, Option<usize>), Tensor>);

impl Masks {
    /// `0` where the `i`-th of the last `n` positions may look, `-inf` at later ones and at those
    /// before its window: `(n, len)`. `None` where a single one may look everywhere.
    pub(crate) fn of(
        &mut self,
        n: usize,
        len: usize,
        window: Option<usize>,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        if n == 1 && window.is_none_or(|window| len <= window) {
            return Ok(None);
        }
        if let Some(mask) = self.0.get(&(n, len, window)) {
            return Ok(Some(mask.clone()));
        }
        let past = len - n;
        let sees =
            |i: usize, j: usize| j <= past + i && window.is_none_or(|window| past + i < j + window);
        let mask = (0..n)
            .flat_map(|i| (0..len).map(move |j| if sees(i, j) { 0.0 } else { f32::NEG_INFINITY }));
        let mask = Tensor::from_vec(mask.collect(), (n, len), device)?;
        self.0.insert((n, len, window), mask.clone());
        Ok(Some(mask))
    }
}
