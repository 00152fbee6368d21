use std::ops::Range;

use infer_code_cad_checkpoint::EncoderConfig;
use infer_code_cad_checkpoint::architecture::EncoderNames;
use infer_code_cad_decode::TokenId;
use infer_code_cad_kernels::{KernelError, Pool, SelfAttention};

use crate::NativeError;
use crate::loader::NativeLoader;
use crate::softmax::softmax;

/// The first distance of each bucket past the eight that have one of their own: `8 * 16^(k / 8)`, rounded up.
const BUCKET_STARTS: [usize; 7] = [12, 16, 23, 32, 46, 64, 91];

/// Attention of every token of a text to every token of it, in f32.
#[derive(Debug)]
pub(super) struct EncoderAttention {
    n_heads: usize,
    head_dim: usize,
    scale: f32,
    /// What is added to scores by the distance of key and query, from the farthest key before to the farthest behind:
    /// `(n_heads, 2 max_tokens - 1)`, or none.
    bias: Vec<f32>,
    max_tokens: usize,
}

/// Where the texts of a call begin and end.
#[derive(Debug, Default)]
pub(super) struct Ragged {
    /// The tokens of each text among all.
    pub(super) spans: Vec<Range<usize>>,
}

impl Ragged {
    pub(super) fn set(&mut self, texts: &[&[TokenId]]) {
        self.spans.clear();
        let mut start = 0;
        for ids in texts {
            self.spans.push(start..start + ids.len());
            start += ids.len();
        }
    }

    /// The first token of each text that has one.
    pub(super) fn firsts(&self) -> Vec<u32> {
        let filled = self.spans.iter().filter(|span| !span.is_empty());
        filled.map(|span| u32::try_from(span.start).expect("tokens of a call fit u32")).collect()
    }
}

impl EncoderAttention {
    pub(super) fn load(
        config: &EncoderConfig,
        loader: &NativeLoader<'_>,
    ) -> Result<Self, NativeError> {
        let (n_heads, max_tokens) = (config.num_attention_heads, config.max_tokens());
        let table = match EncoderNames::new(config).relative_attention_bias {
            Some(name) => {
                loader.values(&format!("{name}.weight"), &[EncoderConfig::BUCKETS, n_heads])?
            }
            None => vec![],
        };
        let mut bias = vec![];
        if !table.is_empty() {
            for head in 0..n_heads {
                let before = (1..max_tokens).rev().map(bucket);
                let behind =
                    (1..max_tokens).map(|distance| bucket(distance) + EncoderConfig::BUCKETS / 2);
                let buckets = before.chain([0]).chain(behind);
                bias.extend(buckets.map(|bucket| table[bucket * n_heads + head]));
            }
        }
        let head_dim = config.head_dim();
        let scale = (head_dim as f32).sqrt().recip();
        Ok(Self { n_heads, head_dim, scale, bias, max_tokens })
    }

    /// `qkv`: `(n_tokens, 3 hidden_size)`, `out`: `(n_tokens, hidden_size)`
    pub(super) fn forward(
        &self,
        qkv: &[f32],
        ragged: &Ragged,
        out: &mut [f32],
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let (n_heads, head_dim) = (self.n_heads, self.head_dim);
        let hidden = n_heads * head_dim;
        for span in ragged.spans.iter().filter(|span| !span.is_empty()) {
            let qkv = &qkv[span.start * 3 * hidden..span.end * 3 * hidden];
            SelfAttention { n_heads, head_dim, qkv }.attend(
                &mut out[span.start * hidden..span.end * hidden],
                pool,
                #[inline(always)]
                |head, query, scores| self.weigh(head, query, span.len(), scores),
            )?;
        }
        Ok(())
    }

    /// Turns the products of a query with `len` keys, and some more, to weights.
    #[inline(always)]
    fn weigh(&self, head: usize, query: usize, len: usize, scores: &mut [f32]) {
        scores.iter_mut().for_each(|score| *score *= self.scale);
        let bias = self.bias_of(head, query, len);
        scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
        softmax(scores, len);
    }

    /// What is added to the scores of the query at a position, for all `len` keys; none where nothing is.
    fn bias_of(&self, head: usize, query: usize, len: usize) -> &[f32] {
        let width = 2 * self.max_tokens - 1;
        match self.bias.get(head * width..(head + 1) * width) {
            Some(bias) => &bias[self.max_tokens - 1 - query..][..len],
            None => &[],
        }
    }
}

/// The bucket of a distance, of those for keys before the query.
///
/// Raffel et al., [T5](https://arxiv.org/abs/1910.10683), section 2.1: half of the buckets stand for one distance each,
/// the others for ranges that grow by the logarithm up to 128.
fn bucket(distance: usize) -> usize {
    const EXACT: usize = EncoderConfig::BUCKETS / 4;
    match distance {
        0..EXACT => distance,
        _ => EXACT + BUCKET_STARTS.iter().filter(|&&start| distance >= start).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From transformers' `MPNetEncoder.relative_position_bucket` with 32 buckets, by `tests/encoder_buckets.py`: the
    /// distances at which the bucket changes.
    #[test]
    fn buckets_are_those_of_transformers() {
        let changes: Vec<usize> = (1..512).filter(|&d| bucket(d) != bucket(d - 1)).collect();
        assert_eq!(changes, [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]);
        assert_eq!((bucket(0), bucket(511)), (0, 15));
    }
}
