use std::ops::Range;

use infer_code_cad_checkpoint::EncoderConfig;
use infer_code_cad_checkpoint::architecture::EncoderNames;
use infer_code_cad_decode::TokenId;
use infer_code_cad_kernels::{Isa, KvFormat, KvPage, Pool};

use crate::NativeError;
use crate::loader::NativeLoader;
use crate::softmax::softmax;

const PAGE: usize = KvPage::POSITIONS;
/// Rows that one part of the work takes.
const ROWS: usize = 16;
/// The first distance of each bucket past the eight that have one of their own: `8 * 16^(k / 8)`, rounded up.
const BUCKET_STARTS: [usize; 7] = [12, 16, 23, 32, 46, 64, 91];

/// Attention of every token of a text to every token of it, in f32.
///
/// A row is computed in an order that depends on its own text only.
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
    /// The text of each token.
    texts: Vec<usize>,
}

/// Keys and values of the texts, in pages of their own.
#[derive(Debug, Default)]
pub(super) struct AttentionRoom {
    pages: Vec<KvPage>,
    /// The first page of each text.
    first_pages: Vec<usize>,
    /// The text and the number in it of each page.
    places: Vec<(usize, usize)>,
}

impl Ragged {
    pub(super) fn set(&mut self, texts: &[&[TokenId]]) {
        self.spans.clear();
        self.texts.clear();
        for (text, ids) in texts.iter().enumerate() {
            let start = self.texts.len();
            self.texts.resize(start + ids.len(), text);
            self.spans.push(start..self.texts.len());
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
        room: &mut AttentionRoom,
        out: &mut [f32],
        pool: &Pool,
    ) {
        self.fill(qkv, ragged, room, pool);
        let hidden = self.n_heads * self.head_dim;
        pool.for_chunks(
            out,
            ROWS * hidden,
            #[inline(always)]
            |chunk, out| {
                let mut first = chunk * ROWS;
                let mut out = out;
                while !out.is_empty() {
                    // The rows of one text.
                    let text = ragged.texts[first];
                    let end = ragged.spans[text].end.min(chunk * ROWS + ROWS);
                    let (rows, rest) = out.split_at_mut((end - first) * hidden);
                    let pages = &room.pages[room.first_pages[text]..];
                    self.attend(qkv, first, &ragged.spans[text], pages, rows, pool.isa());
                    (first, out) = (end, rest);
                }
            },
        );
    }

    /// Puts the keys and values of each text into pages.
    fn fill(&self, qkv: &[f32], ragged: &Ragged, room: &mut AttentionRoom, pool: &Pool) {
        let AttentionRoom { pages, first_pages, places } = room;
        first_pages.clear();
        places.clear();
        for (text, span) in ragged.spans.iter().enumerate() {
            first_pages.push(places.len());
            places.extend((0..span.len().div_ceil(PAGE)).map(|page| (text, page)));
        }
        if pages.len() < places.len() {
            let page = || KvPage::new(KvFormat::F32, self.n_heads, self.head_dim);
            pages.resize_with(places.len(), page);
        }
        let hidden = self.n_heads * self.head_dim;
        pool.for_chunks(&mut pages[..places.len()], 1, |i, page| {
            let (text, number) = places[i];
            let span = &ragged.spans[text];
            let start = span.start + number * PAGE;
            for token in start..span.end.min(start + PAGE) {
                let token_qkv = &qkv[token * 3 * hidden..][..3 * hidden];
                let (key, value) = token_qkv[hidden..].split_at(hidden);
                page[0].put(token - start, key, value);
            }
        });
    }

    /// Some rows of a text, from token `first` on, over the pages of the text.
    ///
    /// `out`: `(rows, hidden_size)`
    #[inline(always)]
    fn attend(
        &self,
        qkv: &[f32],
        first: usize,
        span: &Range<usize>,
        pages: &[KvPage],
        out: &mut [f32],
        isa: Isa,
    ) {
        let (head_dim, hidden) = (self.head_dim, self.n_heads * self.head_dim);
        let (rows, len) = (out.len() / hidden, span.len());
        let stride = len.next_multiple_of(PAGE);
        let pages = &pages[..stride / PAGE];
        let mut scores = vec![0.0; rows * stride];
        let (mut queries, mut mixed) = (vec![0.0; rows * head_dim], vec![0.0; rows * head_dim]);
        for head in 0..self.n_heads {
            for (row, query) in queries.chunks_mut(head_dim).enumerate() {
                query.copy_from_slice(
                    &qkv[(first + row) * 3 * hidden + head * head_dim..][..head_dim],
                );
            }
            for (number, page) in pages.iter().enumerate() {
                page.score(isa, head, &queries, self.scale, &mut scores[number * PAGE..], stride);
            }
            for (row, scores) in scores.chunks_mut(stride).enumerate() {
                let bias = self.bias_of(head, first + row - span.start, len);
                scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
                softmax(scores, len);
            }
            mixed.fill(0.0);
            for (number, page) in pages.iter().enumerate() {
                let written = PAGE.min(len - number * PAGE);
                page.mix(isa, head, &scores[number * PAGE..], stride, written, &mut mixed);
            }
            for (out, mixed) in out.chunks_mut(hidden).zip(mixed.chunks(head_dim)) {
                out[head * head_dim..][..head_dim].copy_from_slice(mixed);
            }
        }
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
