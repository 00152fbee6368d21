//! Text encoders on packed weights: BERT and MPNet.

mod attention;
mod block;
mod embedding;
mod linear;
mod options;

pub use options::{EncoderOptions, EncoderWeights};

use std::sync::{Arc, Mutex, PoisonError};

use infer_code_cad_checkpoint::{
    EncoderCheckpoint, EncoderConfig, NamedTensors, NormKind, Pooling, RandomWeights,
};
use infer_code_cad_decode::TokenId;
use infer_code_cad_kernels::Pool;

use crate::NativeError;
use crate::loader::NativeLoader;
use crate::norm::{NativeNorm, sum};
use attention::{EncoderAttention, Ragged};
use block::{BlockRoom, EncoderBlock};
use embedding::EncoderEmbedding;

/// A bidirectional transformer that turns texts into vectors: BERT (BGE, MiniLM) and MPNet.
///
/// The tokens of all texts of a call go through each matrix together, end to end and without padding; attention is
/// per text.
///
/// **Rounding.** The vector of a text is the same to the last bit whatever other texts are in the call and on any number
/// of threads, in every format of weights.
///
/// # Examples
/// ```
/// use infer_code_cad_checkpoint::{Activation, EncoderConfig, EncoderFamily, Pooling};
/// use infer_code_cad_native::{Encoder, EncoderOptions};
///
/// let config = EncoderConfig {
///     family: EncoderFamily::Bert,
///     vocab_size: 50,
///     hidden_size: 32,
///     intermediate_size: 64,
///     num_hidden_layers: 2,
///     num_attention_heads: 4,
///     max_position_embeddings: 128,
///     type_vocab_size: 2,
///     layer_norm_eps: 1e-12,
///     hidden_act: Activation::Gelu,
///     pad_token_id: 0,
/// };
/// let encoder = Encoder::random(&config, 0, &EncoderOptions::default())?;
/// let both = encoder.embed(&[&[1, 2, 3], &[4, 5]], Pooling::Mean)?; // (2, 32)
/// let alone = encoder.embed(&[&[4, 5]], Pooling::Mean)?;
/// assert_eq!(both[32..], alone);
/// # Ok::<(), infer_code_cad_native::NativeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    embedding: EncoderEmbedding,
    norm: NativeNorm,
    attention: EncoderAttention,
    blocks: Vec<EncoderBlock>,
    pool: Arc<Pool>,
    /// As many as calls have run at once.
    rooms: Mutex<Vec<Room>>,
}

/// The room of one call; kept, so that the next allocates nothing.
#[derive(Debug, Default)]
struct Room {
    ragged: Ragged,
    x: Vec<f32>, // (n_tokens, hidden_size)
    block: BlockRoom,
}

impl Encoder {
    /// Reads the weights of a checkpoint.
    ///
    /// # Errors
    /// [`NativeError::Checkpoint`] naming the tensor that is missing, misshapen, of another type or has no place in
    /// the model, and [`NativeError::Kernel`].
    pub fn load(
        checkpoint: &EncoderCheckpoint,
        options: &EncoderOptions,
    ) -> Result<Self, NativeError> {
        checkpoint.build(|tensors| Self::from_tensors(checkpoint.config(), tensors, options))
    }

    /// Puts an encoder together from tensors of any source.
    ///
    /// # Errors
    /// As [`Encoder::load`].
    pub fn from_tensors(
        config: &EncoderConfig,
        tensors: &dyn NamedTensors,
        options: &EncoderOptions,
    ) -> Result<Self, NativeError> {
        config.check()?;
        let loader = NativeLoader {
            norm: NormKind::Layer,
            norm_eps: config.layer_norm_eps,
            format: None,
            pool: &options.pool,
            fetch: tensors,
        };
        let (blocks, format) = (0..config.num_hidden_layers, options.weights.format());
        Ok(Self {
            config: config.clone(),
            embedding: EncoderEmbedding::load(config, &loader)?,
            norm: EncoderEmbedding::norm(config, &loader)?,
            attention: EncoderAttention::load(config, &loader)?,
            blocks: blocks
                .map(|layer| EncoderBlock::load(config, layer, format, &loader))
                .collect::<Result<_, _>>()?,
            pool: Arc::clone(&options.pool),
            rooms: Mutex::default(),
        })
    }

    /// An encoder with seeded random weights, for tests and benchmarks.
    ///
    /// # Errors
    /// [`NativeError::Checkpoint`] naming the field that cannot be computed with or the tensor that no memory holds;
    /// [`NativeError::Kernel`] when memory runs out.
    pub fn random(
        config: &EncoderConfig,
        seed: u64,
        options: &EncoderOptions,
    ) -> Result<Self, NativeError> {
        Self::from_tensors(config, &RandomWeights { seed }, options)
    }

    /// The shape of the model.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Memory that the weights take, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.embedding.bytes()
            + self.norm.bytes()
            + self.blocks.iter().map(EncoderBlock::bytes).sum::<usize>()
    }

    /// One vector of length 1 per text, `(texts, hidden_size)`; that of a text without tokens is zero.
    ///
    /// # Errors
    /// [`NativeError::TooManyTokens`], [`NativeError::UnknownToken`], [`NativeError::NotFinite`] for weights that are
    /// not, and [`NativeError::Kernel`].
    pub fn embed(&self, texts: &[&[TokenId]], pooling: Pooling) -> Result<Vec<f32>, NativeError> {
        let hidden = self.config.hidden_size;
        let mut vectors = vec![0.0; texts.len() * hidden];
        self.advance(texts, pooling, |x, ragged| {
            let mut next = 0;
            for (vector, span) in vectors.chunks_mut(hidden).zip(&ragged.spans) {
                let count = match pooling {
                    Pooling::Cls => span.len().min(1), // no other is left
                    Pooling::Mean => span.len(),
                };
                let rows = &x[next * hidden..][..count * hidden];
                next += count;
                self.pool.isa().vectorize(
                    #[inline(always)]
                    || pool_rows(rows, vector),
                );
            }
        })?;
        match vectors.chunks(hidden).position(|v| v.iter().any(|value| !value.is_finite())) {
            None => Ok(vectors),
            Some(text) => Err(NativeError::NotFinite { text }),
        }
    }

    /// The vectors of all tokens of all texts, end to end, `(tokens, hidden_size)`.
    ///
    /// # Errors
    /// As [`Encoder::embed`], but that weights are finite.
    pub fn hidden_states(&self, texts: &[&[TokenId]]) -> Result<Vec<f32>, NativeError> {
        let mut states = vec![];
        self.advance(texts, Pooling::Mean, |x, _| states.extend_from_slice(x))?;
        Ok(states)
    }

    /// Computes the tokens' vectors, of first tokens alone where no other is pooled, and hands them on.
    fn advance(
        &self,
        texts: &[&[TokenId]],
        pooling: Pooling,
        done: impl FnOnce(&[f32], &Ragged),
    ) -> Result<(), NativeError> {
        self.check(texts)?;
        let lock = || self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = lock().pop().unwrap_or_default();
        let outcome = self.advance_in(texts, pooling, &mut room);
        if outcome.is_ok() {
            done(&room.x, &room.ragged);
        }
        lock().push(room);
        outcome
    }

    fn advance_in(
        &self,
        texts: &[&[TokenId]],
        pooling: Pooling,
        room: &mut Room,
    ) -> Result<(), NativeError> {
        let Room { ragged, x, block: rest } = room;
        ragged.set(texts);
        span!("embedding", self.embedding.forward(texts, &self.norm, x, &self.pool));
        if x.is_empty() {
            return Ok(());
        }
        for (layer, block) in self.blocks.iter().enumerate() {
            block.attend(x, &self.attention, ragged, rest, &self.pool)?;
            if pooling == Pooling::Cls && layer + 1 == self.blocks.len() {
                block.keep(&ragged.firsts(), x, rest);
            }
            block.finish(x, rest, &self.pool)?;
        }
        Ok(())
    }

    fn check(&self, texts: &[&[TokenId]]) -> Result<(), NativeError> {
        let (vocab_size, max_tokens) = (self.config.vocab_size, self.config.max_tokens());
        for (text, ids) in texts.iter().enumerate() {
            if ids.len() > max_tokens {
                return Err(NativeError::TooManyTokens { text, tokens: ids.len(), max_tokens });
            }
            if let Some(&token) = ids.iter().find(|&&id| id as usize >= vocab_size) {
                return Err(NativeError::UnknownToken { text, token, vocab_size });
            }
        }
        Ok(())
    }
}

/// The mean of some rows, brought to length 1; zero where there are none.
#[inline(always)]
fn pool_rows(rows: &[f32], vector: &mut [f32]) {
    for row in rows.chunks_exact(vector.len()) {
        vector.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    // The mean has the direction of the sum; dividing first keeps its square within f32.
    let count = (rows.len() / vector.len()).max(1) as f32;
    vector.iter_mut().for_each(|x| *x /= count);
    let length = sum(vector, |x| x * x).sqrt().max(1e-12);
    vector.iter_mut().for_each(|x| *x /= length);
}
