//! The backend for the CPU: packed weights, a few rows per pass, attention that reads a shared
//! prefix once.

use std::sync::{Arc, Mutex, PoisonError};

use infer_code_cad_kernels::{Format, KvFormat, KvPage, Pool};

use crate::attention::Heads;
use crate::batch::{Limits, Ragged, own_cache_mut};
use crate::config::{Positions, TransformerConfig};
use crate::gguf::StoredFormat;
use crate::loader::{Bias, Fetch};
use crate::names::ModelNames;
use crate::rope::{Rope, Rotations};
use crate::weights::TensorInfo;
use crate::{CausalLm, KvCache, ModelError, Step};

/// Runs an expression in a span that a subscriber may time; without one it costs a load.
macro_rules! span {
    ($name:literal, $expression:expr) => {
        tracing::trace_span!($name).in_scope(|| $expression)
    };
}

mod attention;
mod block;
mod feed_forward;
mod linear;
mod loader;
mod norm;
mod softmax;

use attention::{NativeAttention, NativeLayer, NewTokens};
use block::NativeBlock;
use linear::{LinearScratch, NativeLinear};
use loader::NativeLoader;
use norm::NativeNorm;
pub(crate) use softmax::soft_cap;

/// How the weights of a model on the CPU are held.
///
/// Activations are rounded to 8 bits in blocks of 32 where the weights are quantized, and stay f32
/// where they are floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(non_camel_case_types, reason = "the names GGUF gives them")]
pub enum WeightFormat {
    /// As they are in the file; in Q8_0 what the kernels have no product for, such as Q5_K.
    Stored,
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    Bf16,
    /// 8 bits, a scale per 32 weights: 8.5 bits per weight.
    Q8_0,
    /// 4 bits, a scale per 32 weights: 4.5 bits per weight.
    Q4_0,
    /// 4 bits, a scale and a minimum per 32 weights: 4.5 bits per weight.
    Q4_K,
    /// 6 bits, a scale per 16 weights: 6.5625 bits per weight.
    Q6_K,
}

impl WeightFormat {
    /// The format of the kernels, unless it is the file's.
    pub(crate) fn packed(self) -> Option<Format> {
        match self {
            Self::Stored => None,
            Self::F32 => Some(Format::F32),
            Self::F16 => Some(Format::F16),
            Self::Bf16 => Some(Format::Bf16),
            Self::Q8_0 => Some(Format::Q8_0),
            Self::Q4_0 => Some(Format::Q4_0),
            Self::Q4_K => Some(Format::Q4_K),
            Self::Q6_K => Some(Format::Q6_K),
        }
    }

    /// What a tensor takes once it is loaded: a matrix in this format, its rows whole blocks; a
    /// vector in f32.
    pub(crate) fn bytes_of(self, tensor: &TensorInfo) -> u64 {
        let elements = tensor.shape.iter().map(|&dim| dim as u64).product::<u64>();
        let &[rows, columns] = tensor.shape.as_slice() else {
            return elements * size_of::<f32>() as u64;
        };
        match self.packed().or_else(|| StoredFormat::by_name(&tensor.format)?.packed()) {
            Some(format) => {
                let columns = columns.next_multiple_of(format.in_features_multiple());
                (columns / format.block_len() * format.block_bytes()) as u64 * rows as u64
            }
            None => elements / 32 * 34, // Q8_0
        }
    }
}

/// How a model is held on the CPU, and what computes it.
#[derive(Debug, Clone)]
pub struct NativeOptions {
    /// The weights.
    pub weights: WeightFormat,
    /// The keys and values of streams. `None`: single precision where the output projection's weights
    /// are, else half.
    pub kv: Option<KvFormat>,
    /// The threads, which models may share.
    pub pool: Arc<Pool>,
}

impl Default for NativeOptions {
    /// Weights as they are stored, every thread of the machine.
    fn default() -> Self {
        Self { weights: WeightFormat::Stored, kv: None, pool: Arc::new(Pool::all_threads()) }
    }
}

/// Embedding, blocks, norm and output on packed weights.
#[derive(Debug)]
pub(crate) struct NativeStack {
    limits: Limits,
    hidden_size: usize,
    embedding: Option<NativeLinear>, // of its own; else the rows of the head
    embedding_scale: f32,
    /// Learned positions, `(max_positions, hidden_size)`, or none.
    positions: Vec<f32>,
    attention: NativeAttention,
    blocks: Vec<NativeBlock>,
    norm: NativeNorm,
    head: NativeLinear,
    logit_softcap: Option<f32>,
    pool: Arc<Pool>,
    /// As many as forward passes have run at once.
    scratch: Mutex<Vec<Scratch>>,
}

/// The room of one forward pass; kept, so that a step allocates nothing but pages.
#[derive(Debug, Default)]
struct Scratch {
    ragged: Ragged,
    rotations: Rotations,
    x: Vec<f32>,      // (n_tokens, hidden_size)
    normed: Vec<f32>, // (n_tokens, hidden_size)
    block: block::BlockScratch,
    linear: LinearScratch,
}

impl NativeStack {
    pub(crate) fn load(
        config: &TransformerConfig,
        options: &NativeOptions,
        fetch: &dyn Fetch,
    ) -> Result<Self, ModelError> {
        let NativeOptions { weights: format, kv, ref pool } = *options;
        let names = ModelNames::new(config);
        let (vocab_size, hidden) = (config.vocab_size, config.hidden_size);
        let loader = NativeLoader { config, format, pool, fetch };
        let embedding = loader.linear(&[(names.embedding, vocab_size)], hidden, Bias::Absent)?;
        let (embedding, head) = if config.tie_word_embeddings {
            (None, embedding)
        } else {
            (Some(embedding), loader.linear(&[(names.head, vocab_size)], hidden, Bias::Absent)?)
        };
        let positions = match config.positions {
            Positions::Rotary { .. } => vec![],
            Positions::Learned => {
                let shape = [config.max_position_embeddings, hidden];
                loader.values(&format!("{}.weight", names.positions), &shape)?
            }
        };
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| NativeBlock::load(config, layer, &loader))
            .collect::<Result<_, _>>()?;
        let single = head.parts.iter().all(|part| part.format() == Format::F32);
        let kv_format = kv.unwrap_or(if single { KvFormat::F32 } else { KvFormat::F16 });
        Ok(Self {
            limits: Limits::new(config),
            hidden_size: hidden,
            embedding,
            embedding_scale: config.embedding_scale as f32,
            positions,
            attention: NativeAttention {
                heads: Heads::new(config),
                rope: Rope::new(config),
                kv_format,
            },
            blocks,
            norm: loader.norm(names.norm)?,
            head,
            logit_softcap: config.final_logit_softcapping,
            pool: Arc::clone(pool),
            scratch: Mutex::default(),
        })
    }

    /// Memory that the weights take.
    pub(crate) fn weight_bytes(&self) -> usize {
        self.embedding.iter().chain([&self.head]).map(NativeLinear::bytes).sum::<usize>()
            + self.blocks.iter().map(NativeBlock::bytes).sum::<usize>()
            + self.norm.bytes()
            + size_of_val(&*self.positions)
    }

    /// A forward pass over a batch that was checked and is not empty.
    fn advance(
        &self,
        batch: &mut [Step<'_>],
        scratch: &mut Scratch,
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        let Scratch { ragged, rotations, x, block: room, linear, .. } = scratch;
        ragged.set(batch);
        span!("embedding", self.embed(ragged, x, linear))?;
        span!("positions", rotations.set(&self.attention.rope, &ragged.positions));
        for (layer, block) in self.blocks.iter().enumerate() {
            let tokens = NewTokens { layer, batch: &mut *batch, ragged, rotations };
            block.attend(x, &self.attention, tokens, room, linear, &self.pool)?;
            if layer + 1 == self.blocks.len() {
                block.keep(&ragged.wanted, x, room);
            }
            block.finish(x, room, linear, &self.pool)?;
        }
        for step in batch {
            own_cache_mut::<NativeLayer>(step).len += step.tokens.len();
        }
        self.project(scratch, logits)
    }

    fn embed(
        &self,
        ragged: &Ragged,
        x: &mut Vec<f32>,
        linear: &mut LinearScratch,
    ) -> Result<(), ModelError> {
        x.resize(ragged.tokens.len() * self.hidden_size, 0.0);
        let table = self.embedding.as_ref().unwrap_or(&self.head);
        let rows = x.chunks_mut(self.hidden_size).zip(&ragged.tokens).zip(&ragged.positions);
        for ((row, &token), &position) in rows {
            table.row(token as usize, row, linear)?;
            if self.embedding_scale != 1.0 {
                row.iter_mut().for_each(|x| *x *= self.embedding_scale);
            }
            let place = self.positions.get(position * row.len()..).unwrap_or_default();
            row.iter_mut().zip(place).for_each(|(x, p)| *x += p);
        }
        Ok(())
    }

    /// Logits of the rows that are left.
    fn project(&self, scratch: &mut Scratch, logits: &mut Vec<f32>) -> Result<(), ModelError> {
        let x = &*scratch.x;
        if x.is_empty() {
            return Ok(());
        }
        scratch.normed.resize(x.len(), 0.0);
        self.norm.forward(x, &mut scratch.normed, &self.pool);
        logits.resize(x.len() / self.hidden_size * self.limits.vocab_size, 0.0);
        span!("head", self.head.forward(&scratch.normed, logits, &mut scratch.linear, &self.pool))?;
        if let Some(cap) = self.logit_softcap {
            self.pool.for_chunks(
                logits,
                1 << 14,
                #[inline(always)]
                |_, logits| soft_cap(logits, cap),
            );
        }
        Ok(())
    }
}

impl CausalLm for NativeStack {
    fn vocab_size(&self) -> usize {
        self.limits.vocab_size
    }

    fn max_positions(&self) -> usize {
        self.limits.max_positions
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        self.limits.new_cache::<NativeLayer>()
    }

    fn cache_bytes(&self, positions: usize) -> Option<u64> {
        let NativeAttention { heads, kv_format, .. } = self.attention;
        let page = KvPage::bytes(kv_format, heads.n_kv_heads, heads.head_dim);
        let pages = positions.div_ceil(KvPage::POSITIONS) as u64;
        Some(pages.saturating_mul((page * self.blocks.len()) as u64))
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), ModelError> {
        logits.clear();
        self.limits.check::<NativeLayer>(batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        let lock = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = lock().pop().unwrap_or_default();
        let outcome = self.advance(batch, &mut scratch, logits);
        lock().push(scratch);
        outcome
    }

    fn run_parts(&self, n_parts: usize, part: &(dyn Fn(usize) + Sync)) {
        self.pool.run(n_parts, part);
    }
}
