use std::ops::Range;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use infer_code_cad_decode::TokenId;

use crate::attention::{Attention, Stream};
use crate::block::Block;
use crate::cache::{ModelId, StreamCache};
use crate::config::{Positions, TransformerConfig};
use crate::host::with_slice;
use crate::linear::Linear;
use crate::loader::{Bias, Loader};
use crate::names::ModelNames;
use crate::norm::Norm;
use crate::softmax::soft_cap;
use crate::{CausalLm, KvCache, LogitRows, ModelError, Step};

/// Embedding, blocks, norm and output over one kind of attention.
#[derive(Debug)]
pub(crate) struct DecoderStack<A> {
    id: ModelId,
    vocab_size: usize,
    max_positions: usize,
    attention: A,
    device: Device,
    embedding: Embedding,
    embedding_scale: f64,
    /// Learned positions, `(max_positions, hidden_size)`.
    positions: Option<Tensor>,
    blocks: Vec<Block>,
    norm: Norm,
    head: Linear,
    logit_softcap: Option<f32>,
}

/// Where the rows of the input embedding are.
#[derive(Debug)]
enum Embedding {
    /// A matrix of its own, `(vocab_size, hidden_size)`.
    Untied(Tensor),
    /// The columns of the output projection.
    Tied,
}

impl<A: Attention> DecoderStack<A> {
    pub(crate) fn load(
        config: &TransformerConfig,
        attention: A,
        mut loader: Loader<'_>,
    ) -> std::result::Result<Self, ModelError> {
        let names = ModelNames::new(config);
        let (vocab_size, hidden) = (config.vocab_size, config.hidden_size);
        let weight = |name: &str| format!("{name}.weight");
        let (embedding, head) = if config.tie_word_embeddings {
            let head = loader.linear(&[(names.embedding, vocab_size)], hidden, Bias::Absent)?;
            (Embedding::Tied, head)
        } else {
            let table = loader.tensor(&weight(names.embedding), &[vocab_size, hidden])?;
            let head = loader.linear(&[(names.head, vocab_size)], hidden, Bias::Absent)?;
            (Embedding::Untied(table), head)
        };
        let max_positions = config.max_position_embeddings;
        let positions = match config.positions {
            Positions::Rotary { .. } => None,
            Positions::Learned => {
                Some(loader.tensor(&weight(names.positions), &[max_positions, hidden])?)
            }
        };
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| Block::load(config, layer, &mut loader))
            .collect::<std::result::Result<_, _>>()?;
        Ok(Self {
            id: ModelId::default(),
            vocab_size,
            max_positions,
            attention,
            embedding,
            embedding_scale: config.embedding_scale,
            positions,
            blocks,
            norm: loader.norm(names.norm)?,
            head,
            logit_softcap: config.final_logit_softcapping,
            device: loader.device,
        })
    }

    /// Refuses what cannot be computed, before any cache is touched.
    fn check(&self, batch: &mut [Step<'_>]) -> std::result::Result<(), ModelError> {
        for (step, Step { cache, tokens, .. }) in batch.iter_mut().enumerate() {
            let len = cache.len() + tokens.len();
            let cache = cache.as_any_mut().downcast_ref::<StreamCache<A::Layer>>();
            if cache.is_none_or(|cache| cache.model != self.id) {
                return Err(ModelError::ForeignCache { step });
            }
            if tokens.is_empty() {
                return Err(ModelError::EmptyStep { step });
            }
            if len > self.max_positions {
                let max_positions = self.max_positions;
                return Err(ModelError::StreamTooLong { step, len, max_positions });
            }
            let vocab_size = self.vocab_size;
            let outside = |&token: &TokenId| token as usize >= vocab_size;
            if let Some(position) = tokens.iter().position(outside) {
                let token = tokens[position];
                return Err(ModelError::TokenOutOfRange { step, position, token, vocab_size });
            }
        }
        Ok(())
    }

    /// A forward pass over a batch that was checked and is not empty.
    fn advance(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<()> {
        let ragged = Ragged::new(batch);
        let mut caches: Vec<&mut StreamCache<A::Layer>> =
            batch.iter_mut().filter_map(|step| step.cache.as_any_mut().downcast_mut()).collect();
        let x = self.hidden(&ragged, &mut caches)?;
        for (cache, span) in caches.iter_mut().zip(&ragged.spans) {
            cache.len += span.len();
        }
        if !ragged.wanted.is_empty() {
            self.project(&x, &ragged.wanted, logits)?;
        }
        Ok(())
    }

    /// Runs the blocks over `ragged`, appending to `caches`: `(n_tokens, hidden_size)`
    fn hidden(&self, ragged: &Ragged, caches: &mut [&mut StreamCache<A::Layer>]) -> Result<Tensor> {
        let rotations = self.attention.rotations(&ragged.positions)?;
        let mut x = self.embed(ragged)?;
        for (layer, block) in self.blocks.iter().enumerate() {
            let streams = caches.iter_mut().zip(&ragged.spans).map(|(cache, span)| Stream {
                span: span.clone(),
                past: cache.len,
                layer: &mut cache.layers[layer],
            });
            x = block.forward(&x, &self.attention, &rotations, streams.collect())?;
        }
        Ok(x)
    }

    fn embed(&self, ragged: &Ragged) -> Result<Tensor> {
        let ids = Tensor::new(&*ragged.tokens, &self.device)?;
        let mut x = match &self.embedding {
            Embedding::Untied(table) => table.index_select(&ids, 0)?,
            Embedding::Tied => self.head.columns(&ids)?,
        };
        if self.embedding_scale != 1.0 {
            x = (x * self.embedding_scale)?;
        }
        if let Some(table) = &self.positions {
            let positions: Vec<u32> = ragged.positions.iter().map(|&p| p as u32).collect();
            x = (x + table.index_select(&Tensor::new(positions, &self.device)?, 0)?)?;
        }
        Ok(x)
    }

    /// Logits of some rows of the last hidden state, appended to `logits`.
    fn project(&self, x: &Tensor, rows: &[u32], logits: &mut Vec<f32>) -> Result<()> {
        let rows = Tensor::new(rows, &self.device)?;
        let x = self.norm.forward(&x.index_select(&rows, 0)?)?;
        let y = self.head.forward(&x)?.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
        let start = logits.len();
        with_slice(&y, |values| logits.extend_from_slice(values))?;
        if let Some(cap) = self.logit_softcap {
            soft_cap(&mut logits[start..], cap);
        }
        Ok(())
    }
}

impl<A: Attention> CausalLm for DecoderStack<A> {
    fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn max_positions(&self) -> usize {
        self.max_positions
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        let layers = self.blocks.iter().map(|_| Arc::default()).collect();
        Box::new(StreamCache::<A::Layer> { model: self.id.clone(), len: 0, layers })
    }

    fn forward(
        &self,
        batch: &mut [Step<'_>],
        logits: &mut Vec<f32>,
    ) -> std::result::Result<(), ModelError> {
        logits.clear();
        self.check(batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        // Inside the pool, or every parallel operation would wait for a worker to wake.
        Ok(rayon::scope(|_| self.advance(batch, logits))?)
    }
}

/// The new tokens of a batch, end to end.
#[derive(Debug, Default)]
struct Ragged {
    tokens: Vec<TokenId>,
    /// Of each token within its stream.
    positions: Vec<usize>,
    /// Of each step within `tokens`.
    spans: Vec<Range<usize>>,
    /// The tokens whose logits are asked for.
    wanted: Vec<u32>,
}

impl Ragged {
    fn new(batch: &[Step<'_>]) -> Self {
        let mut ragged = Self::default();
        for step in batch {
            let (start, past) = (ragged.tokens.len(), step.cache.len());
            let end = start + step.tokens.len();
            ragged.tokens.extend_from_slice(step.tokens);
            ragged.positions.extend(past..past + step.tokens.len());
            ragged.spans.push(start..end);
            let wanted = match step.logits {
                LogitRows::None => end..end,
                LogitRows::Last => end - 1..end,
                LogitRows::All => start..end,
            };
            ragged.wanted.extend(wanted.map(|row| row as u32));
        }
        ragged
    }
}
