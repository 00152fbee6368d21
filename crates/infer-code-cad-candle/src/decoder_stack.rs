use candle_core::{DType, Device, Result, Tensor};

use crate::block::Block;
use crate::host::with_slice;
use crate::linear::Linear;
use crate::loader::Loader;
use crate::masks::Masks;
use crate::norm::Norm;
use crate::tensor_attention::{Stream, TensorAttention, TensorLayer};
use infer_code_cad_checkpoint::architecture::Bias;
use infer_code_cad_checkpoint::architecture::{ModelNames, Ropes};
use infer_code_cad_checkpoint::{Positions, TransformerConfig};
use infer_code_cad_engine::backend::{Context, ModelLimits, Ragged, StreamCache, own_cache_mut};
use infer_code_cad_engine::{CausalLm, EngineError, KvCache, Step};

use crate::fault::Fault;

/// Embedding, blocks, norm and output by tensor operations.
#[derive(Debug)]
pub(crate) struct DecoderStack {
    limits: ModelLimits,
    attention: TensorAttention,
    device: Device,
    embedding: Embedding,
    embedding_scale: f64,
    /// Learned positions, `(max_positions, hidden_size)`.
    positions: Option<Tensor>,
    blocks: Vec<Block>,
    norm: Norm,
    head: Linear,
    logits_scaling: f32,
    logit_softcap: Option<f32>,
}

/// Where the rows of the input embedding are.
#[derive(Debug)]
enum Embedding {
    /// A matrix of its own, `(vocab_size, hidden_size)`.
    Untied(Tensor),
    /// The rows of the output projection.
    Tied,
}

impl DecoderStack {
    pub(crate) fn load(
        config: &TransformerConfig,
        attention: TensorAttention,
        loader: &mut Loader<'_>,
    ) -> std::result::Result<Self, Fault> {
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
            Positions::Rotary { .. } | Positions::Absent => None,
            Positions::Learned => {
                Some(loader.tensor(&weight(names.positions), &[max_positions, hidden])?)
            }
        };
        let blocks = (0..config.num_hidden_layers)
            .map(|layer| Block::load(config, layer, loader))
            .collect::<std::result::Result<_, _>>()?;
        Ok(Self {
            limits: ModelLimits::new(
                config.vocab_size,
                config.max_position_embeddings,
                config.num_hidden_layers,
            ),
            attention,
            embedding,
            embedding_scale: config.embedding_scale,
            positions,
            blocks,
            norm: loader.norm(names.norm, hidden)?,
            head,
            logits_scaling: config.logits_scaling,
            logit_softcap: config.final_logit_softcapping,
            device: loader.device.clone(),
        })
    }

    /// A forward pass over a batch that was checked and is not empty.
    fn advance(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<()> {
        let TensorAttention { ropes, long_ropes, .. } = &self.attention;
        let Some((contexts, long)) = long_ropes else {
            return self.turned_by(ropes, batch, logits);
        };
        let vocab_size = self.limits.vocab_size;
        contexts.forward::<TensorLayer, _>(batch, vocab_size, logits, |context, batch, logits| {
            match context {
                Context::Short => self.turned_by(ropes, batch, logits),
                Context::Long => self.turned_by(long, batch, logits),
            }
        })
    }

    /// A forward pass with the angles of these frequencies.
    fn turned_by(
        &self,
        ropes: &Ropes,
        batch: &mut [Step<'_>],
        logits: &mut Vec<f32>,
    ) -> Result<()> {
        let mut ragged = Ragged::default();
        ragged.set(batch);
        let mut caches: Vec<_> = batch.iter_mut().map(own_cache_mut).collect();
        let x = self.hidden(ropes, &ragged, &mut caches)?;
        for (cache, span) in caches.iter_mut().zip(&ragged.spans) {
            cache.len += span.len();
        }
        if ragged.wanted.is_empty() {
            // Logits are waited for. Without them the next pass, which another thread may run and
            // so another CUDA stream, would meet keys and values that are still being written.
            return self.device.synchronize();
        }
        self.project(&x, &ragged.wanted, logits)
    }

    /// Runs the blocks over `ragged`, appending to `caches`: `(n_tokens, hidden_size)`
    fn hidden(
        &self,
        ropes: &Ropes,
        ragged: &Ragged,
        caches: &mut [&mut StreamCache<TensorLayer>],
    ) -> Result<Tensor> {
        let rotations = self.attention.rotations(ropes, &ragged.positions)?;
        let mut masks = Masks::default();
        let mut x = self.embed(ragged)?;
        for (layer, block) in self.blocks.iter().enumerate() {
            let streams = caches.iter_mut().zip(&ragged.spans).map(|(cache, span)| Stream {
                span: span.clone(),
                past: cache.len,
                layer: &mut cache.layers[layer],
            });
            let rotations = &rotations[ropes.of_layer(layer)];
            x = block.forward(&x, &self.attention, rotations, &mut masks, streams.collect())?;
        }
        Ok(x)
    }

    fn embed(&self, ragged: &Ragged) -> Result<Tensor> {
        let ids = Tensor::new(&*ragged.tokens, &self.device)?;
        let mut x = match &self.embedding {
            Embedding::Untied(table) => table.index_select(&ids, 0)?,
            Embedding::Tied => self.head.rows(&ids)?,
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
        if self.logits_scaling != 1.0 {
            logits[start..].iter_mut().for_each(|x| *x /= self.logits_scaling);
        }
        if let Some(cap) = self.logit_softcap {
            logits[start..].iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
        }
        Ok(())
    }
}

impl CausalLm for DecoderStack {
    fn vocab_size(&self) -> usize {
        self.limits.vocab_size
    }

    fn max_positions(&self) -> usize {
        self.limits.max_positions
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        self.limits.new_cache::<TensorLayer>()
    }

    fn forward(
        &self,
        batch: &mut [Step<'_>],
        logits: &mut Vec<f32>,
    ) -> std::result::Result<(), EngineError> {
        logits.clear();
        self.limits.check::<TensorLayer>(batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        // Inside the pool, or every parallel operation would wait for a worker to wake.
        rayon::scope(|_| self.advance(batch, logits))
            .map_err(|error| EngineError::Other(error.into()))
    }
}
