use std::cell::Cell;
use std::ops::Range;

use crate::disjoint::Disjoint;
use crate::format::TILE;
use crate::isa::{Simd, with_simd};
use crate::{KernelError, Pool};

/// Queries of one part of the work: keys and values are arranged anew for each.
const QUERIES: usize = 252;

/// The heads of an encoder's layer, and the queries, keys and values of one text.
#[derive(Debug, Clone, Copy)]
pub struct SelfAttention<'a> {
    /// Heads.
    pub n_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Queries, keys and values of all heads side by side: `(n_tokens, 3, n_heads, head_dim)`.
    pub qkv: &'a [f32],
}

/// What a thread needs for its part; reused from call to call.
#[derive(Default)]
struct Room {
    keys: Vec<[f32; TILE]>,   // (key tiles, head_dim)
    values: Vec<[f32; TILE]>, // (value tiles, n_tokens in whole key tiles)
    scores: Vec<f32>,         // (queries at once, n_tokens in whole key tiles)
}

thread_local! {
    static ROOM: Cell<Room> = Cell::default();
}

impl SelfAttention<'_> {
    /// Every token looks at every token: `out[i] = sum of weights[j] v[j]` in each head, where
    /// `weigh(head, i, scores)` turns the products of query `i` with all keys into weights.
    ///
    /// The scores are followed by products with zeros up to a multiple of 16, whose weights must be
    /// zero. A result depends on the text and on nothing else, in all its bits.
    ///
    /// # Shapes
    /// `out`: `(n_tokens, n_heads, head_dim)`, overwritten.
    ///
    /// # Errors
    /// [`KernelError::Shape`] if there is no head or it has no width, [`KernelError::Length`] if `qkv` or
    /// `out` has another shape.
    pub fn attend(
        &self,
        out: &mut [f32],
        pool: &Pool,
        weigh: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Result<(), KernelError> {
        let n_tokens = self.n_tokens(out)?;
        let chunks = n_tokens.div_ceil(QUERIES);
        let out = Disjoint::new(out);
        with_simd!(pool.isa(), simd => pool.run(self.n_heads * chunks, |part| {
            let (head, first) = (part / chunks, part % chunks * QUERIES);
            let queries = first..n_tokens.min(first + QUERIES);
            Part { text: self, n_tokens, head, out: &out, weigh: &weigh }.attend(simd, queries);
        }));
        Ok(())
    }

    fn n_tokens(&self, out: &[f32]) -> Result<usize, KernelError> {
        let width = self.n_heads * self.head_dim;
        if width == 0 {
            let (out_features, in_features) = (self.n_heads, self.head_dim);
            return Err(KernelError::Shape { out_features, in_features });
        }
        let n_tokens = out.len() / width;
        for (what, len, width) in [
            ("the attention's results", out.len(), width),
            ("queries, keys and values", self.qkv.len(), 3 * width),
        ] {
            if len != n_tokens * width {
                return Err(KernelError::Length { what, expected: n_tokens * width, actual: len });
            }
        }
        Ok(n_tokens)
    }

    /// A head's query, key or value (0, 1, 2) of a token.
    #[inline(always)]
    fn vector(&self, token: usize, which: usize, head: usize) -> &[f32] {
        let at = (token * 3 + which) * self.n_heads + head;
        &self.qkv[at * self.head_dim..][..self.head_dim]
    }
}

/// One head, some queries.
struct Part<'a, W> {
    text: &'a SelfAttention<'a>,
    n_tokens: usize,
    head: usize,
    out: &'a Disjoint<'a, f32>,
    weigh: &'a W,
}

impl<W: Fn(usize, usize, &mut [f32])> Part<'_, W> {
    fn attend<S: Simd>(&self, simd: S, queries: Range<usize>) {
        let mut room = ROOM.take();
        simd.vectorize(
            #[inline(always)]
            || {
                self.arrange(&mut room);
                for first in queries.clone().step_by(S::DENSE_ROWS) {
                    let rows = S::DENSE_ROWS.min(queries.end - first);
                    // The guards let only that be compiled which the instruction set uses.
                    match S::DENSE_ROWS {
                        12 if const { S::DENSE_ROWS == 12 } => {
                            self.rows::<S, 12>(simd, first, rows, &mut room);
                        }
                        6 if const { S::DENSE_ROWS == 6 } => {
                            self.rows::<S, 6>(simd, first, rows, &mut room);
                        }
                        5 if const { S::DENSE_ROWS == 5 } => {
                            self.rows::<S, 5>(simd, first, rows, &mut room);
                        }
                        _ => (first..first + rows)
                            .for_each(|first| self.rows::<S, 1>(simd, first, 1, &mut room)),
                    }
                }
            },
        );
        ROOM.set(room);
    }

    /// Lays keys and values out for the products; what fills the last tiles is zero.
    #[inline(always)]
    fn arrange(&self, room: &mut Room) {
        let head_dim = self.text.head_dim;
        let padded = self.n_tokens.next_multiple_of(TILE);
        room.keys.clear();
        room.keys.resize(padded / TILE * head_dim, [0.0; TILE]);
        room.values.clear();
        room.values.resize(head_dim.div_ceil(TILE) * padded, [0.0; TILE]);
        for token in 0..self.n_tokens {
            let key = self.text.vector(token, 1, self.head);
            let tile = &mut room.keys[token / TILE * head_dim..][..head_dim];
            for (line, &x) in tile.iter_mut().zip(key) {
                line[token % TILE] = x;
            }
            let value = self.text.vector(token, 2, self.head);
            for (tile, value) in value.chunks(TILE).enumerate() {
                room.values[tile * padded + token][..value.len()].copy_from_slice(value);
            }
        }
    }

    /// `rows` queries from `first` on, at most `N`: the last one stands for those that lack.
    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, simd: S, first: usize, rows: usize, room: &mut Room) {
        let SelfAttention { n_heads, head_dim, .. } = *self.text;
        let padded = self.n_tokens.next_multiple_of(TILE);
        room.scores.resize(N * padded, 0.0);
        let queries: [&[f32]; N] =
            std::array::from_fn(|b| self.text.vector(first + b.min(rows - 1), 0, self.head));
        for (tile, keys) in room.keys.chunks_exact(head_dim).enumerate() {
            let products = multiply(simd, keys, queries);
            for (b, products) in products.iter().enumerate() {
                let at = b * padded + tile * TILE;
                room.scores[at..at + TILE].copy_from_slice(products);
            }
        }
        for (b, scores) in room.scores.chunks_exact_mut(padded).take(rows).enumerate() {
            (self.weigh)(self.head, first + b, scores);
        }
        let weights: [&[f32]; N] = std::array::from_fn(|b| &room.scores[b * padded..][..padded]);
        for (tile, values) in room.values.chunks_exact(padded).enumerate() {
            let results = multiply(simd, values, weights);
            let width = TILE.min(head_dim - tile * TILE);
            for (b, result) in results.iter().enumerate().take(rows) {
                let at = ((first + b) * n_heads + self.head) * head_dim + tile * TILE;
                // SAFETY: each head of each token is computed once, tile by tile.
                unsafe { self.out.part(at..at + width) }.copy_from_slice(&result[..width]);
            }
        }
    }
}

/// For each row the sum of its values times the lines: one chain of fused multiply-adds.
#[inline(always)]
fn multiply<S: Simd, const N: usize>(
    simd: S,
    lines: &[[f32; TILE]],
    rows: [&[f32]; N],
) -> [[f32; TILE]; N] {
    let rows = rows.map(|row| &row[..lines.len()]);
    let mut sums = S::each([simd.splat(0.0); N]);
    for (k, line) in lines.iter().enumerate() {
        let mut weights = S::each(simd.splat(0.0));
        for v in 0..S::VECTORS {
            weights[v] = simd.load(line, v);
        }
        for b in 0..N {
            let x = simd.splat(rows[b][k]);
            for v in 0..S::VECTORS {
                sums[v][b] = simd.fma(weights[v], x, sums[v][b]);
            }
        }
    }
    let mut results = [[0.0; TILE]; N];
    for v in 0..S::VECTORS {
        for b in 0..N {
            simd.store(sums[v][b], &mut results[b], v);
        }
    }
    results
}
