//! The backend for the CPU: packed weights, a few rows per pass, attention that reads a shared
//! prefix once.

use std::sync::{Arc, Mutex, PoisonError};

use infer_code_cad_checkpoint::architecture::{
    Arranged, Bias, Heads, ModelNames, Reach, Ropes, Rotations,
};
use infer_code_cad_checkpoint::{NamedTensors, Positions, TransformerConfig};
use infer_code_cad_engine::backend::{Context, ModelLimits, Ragged, TwoContexts, own_cache_mut};
use infer_code_cad_engine::{CausalLm, EngineError, KvCache, Step};
use infer_code_cad_kernels::{Encoding, Format, KernelError, KvFormat, KvPage, Pool};

use crate::attention::{NativeAttention, NativeLayer, NewTokens};
use crate::block::{BlockScratch, NativeBlock};
use crate::linear::{LinearScratch, NativeLinear};
use crate::loader::NativeLoader;
use crate::norm::NativeNorm;
use crate::softmax::soft_cap;
use crate::{NativeError, NativeOptions};

/// Embedding, blocks, norm and output on packed weights.
#[derive(Debug)]
pub(crate) struct NativeStack {
    limits: ModelLimits,
    hidden_size: usize,
    embedding: Option<NativeLinear>, // of its own; else the rows of the head
    embedding_scale: f32,
    /// Learned positions, `(max_positions, hidden_size)`, or none.
    positions: Vec<f32>,
    attention: NativeAttention,
    ropes: Ropes,
    /// Those of streams beyond so many tokens, where they are others.
    long_ropes: Option<(TwoContexts, Ropes)>,
    blocks: Vec<NativeBlock>,
    norm: NativeNorm,
    head: NativeLinear,
    logits_scaling: f32,
    logit_softcap: Option<f32>,
    pool: Arc<Pool>,
    /// As many as forward passes have run at once.
    scratch: Mutex<Vec<Scratch>>,
}

/// The room of one forward pass; kept, so that a step allocates nothing but pages.
#[derive(Debug, Default)]
struct Scratch {
    ragged: Ragged,
    rotations: Vec<Rotations>, // of each kind of layer
    x: Vec<f32>,               // (n_tokens, hidden_size)
    normed: Vec<f32>,          // (n_tokens, hidden_size)
    block: BlockScratch,
    linear: LinearScratch,
}

impl NativeStack {
    pub(crate) fn load(
        config: &TransformerConfig,
        options: &NativeOptions,
        fetch: &dyn NamedTensors,
    ) -> Result<Self, NativeError> {
        let NativeOptions { weights: format, kv, ref pool } = *options;
        let names = ModelNames::new(config);
        let fetch = &Arranged::new(config, fetch);
        let (vocab_size, hidden) = (config.vocab_size, config.hidden_size);
        let (norm, norm_eps) = (config.norm, config.norm_eps);
        let loader = NativeLoader { norm, norm_eps, format, pool, fetch };
        let embedding = loader.linear(&[(names.embedding, vocab_size)], hidden, Bias::Absent)?;
        let (embedding, head) = if config.tie_word_embeddings {
            (None, embedding)
        } else {
            (Some(embedding), loader.linear(&[(names.head, vocab_size)], hidden, Bias::Absent)?)
        };
        let positions = match config.positions {
            Positions::Rotary { .. } | Positions::Absent => vec![],
            Positions::Learned => {
                let shape = [config.max_position_embeddings, hidden];
                loader.values(&format!("{}.weight", names.positions), &shape)?
            }
        };
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| NativeBlock::load(config, layer, &loader))
            .collect::<Result<_, _>>()?;
        let all = |is: fn(Format) -> bool| head.parts.iter().all(|part| is(part.format()));
        let kv_format = kv.unwrap_or(if all(|format| format == Format::F32) {
            KvFormat::F32
        } else if all(|format| format.encoding() == Encoding::Float) {
            KvFormat::F16
        } else {
            KvFormat::Int8
        });
        Ok(Self {
            limits: ModelLimits::new(
                config.vocab_size,
                config.max_position_embeddings,
                config.num_hidden_layers,
            ),
            hidden_size: hidden,
            embedding,
            embedding_scale: config.embedding_scale as f32,
            positions,
            attention: NativeAttention {
                heads: Heads::new(config),
                kv_format,
                kv_meter: Arc::default(),
            },
            ropes: Ropes::new(config, Reach::Short),
            long_ropes: config
                .short_context()
                .map(|short| (TwoContexts { short }, Ropes::new(config, Reach::Long))),
            blocks,
            norm: loader.norm(names.norm, hidden)?,
            head,
            logits_scaling: config.logits_scaling,
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
    ) -> Result<(), KernelError> {
        let Some((contexts, long)) = &self.long_ropes else {
            return self.turned_by(&self.ropes, batch, scratch, logits);
        };
        let vocab_size = self.limits.vocab_size;
        let pass = |context, batch: &mut [Step<'_>], logits: &mut Vec<f32>| match context {
            Context::Short => self.turned_by(&self.ropes, batch, scratch, logits),
            Context::Long => self.turned_by(long, batch, scratch, logits),
        };
        contexts.forward::<NativeLayer, _>(batch, vocab_size, logits, pass)
    }

    /// A forward pass with the angles of these frequencies.
    fn turned_by(
        &self,
        ropes: &Ropes,
        batch: &mut [Step<'_>],
        scratch: &mut Scratch,
        logits: &mut Vec<f32>,
    ) -> Result<(), KernelError> {
        let Scratch { ragged, rotations, x, block: room, linear, .. } = scratch;
        ragged.set(batch);
        span!("embedding", self.embed(ragged, x, linear))?;
        span!("positions", ropes.turn(&ragged.positions, rotations));
        for (layer, block) in self.blocks.iter().enumerate() {
            let rotations = &rotations[ropes.of_layer(layer)];
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
    ) -> Result<(), KernelError> {
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
    fn project(&self, scratch: &mut Scratch, logits: &mut Vec<f32>) -> Result<(), KernelError> {
        let x = &*scratch.x;
        // What was there is overwritten.
        logits.resize(x.len() / self.hidden_size * self.limits.vocab_size, 0.0);
        if x.is_empty() {
            return Ok(());
        }
        scratch.normed.resize(x.len(), 0.0);
        self.norm.forward(x, &mut scratch.normed, &self.pool);
        span!("head", self.head.forward(&scratch.normed, logits, &mut scratch.linear, &self.pool))?;
        if self.logits_scaling != 1.0 {
            let by = self.logits_scaling;
            let divide = |_, logits: &mut [f32]| logits.iter_mut().for_each(|logit| *logit /= by);
            self.pool.for_chunks(logits, 1 << 14, divide);
        }
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
        let NativeAttention { heads, kv_format, .. } = &self.attention;
        let page = KvPage::bytes(*kv_format, heads.n_kv_heads, heads.head_dim);
        let pages = positions.div_ceil(KvPage::POSITIONS) as u64;
        Some(pages.saturating_mul((page * self.blocks.len()) as u64))
    }

    fn take_peak_cache_bytes(&self) -> Option<u64> {
        Some(self.attention.kv_meter.take_most() as u64)
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        let checked = self.limits.check::<NativeLayer>(batch);
        if checked.is_err() || batch.is_empty() {
            logits.clear();
            return checked;
        }
        let lock = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = lock().pop().unwrap_or_default();
        let outcome = self.advance(batch, &mut scratch, logits);
        lock().push(scratch);
        outcome.map_err(|error| {
            logits.clear();
            EngineError::Other(error.into())
        })
    }

    fn run_parts(&self, n_parts: usize, part: &(dyn Fn(usize) + Sync)) {
        self.pool.run(n_parts, part);
    }
}
