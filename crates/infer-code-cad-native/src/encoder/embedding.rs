use infer_code_cad_checkpoint::architecture::EncoderNames;
use infer_code_cad_checkpoint::{EncoderConfig, EncoderFamily};
use infer_code_cad_decode::TokenId;
use infer_code_cad_kernels::Pool;

use crate::NativeError;
use crate::loader::NativeLoader;
use crate::norm::NativeNorm;

/// The sum of a token's vector, its place's and that of the first token type, normalised.
#[derive(Debug)]
pub(super) struct EncoderEmbedding {
    hidden_size: usize,
    tokens: Vec<f32>,    // (vocab_size, hidden_size)
    positions: Vec<f32>, // (max_position_embeddings, hidden_size), the token type added
    /// The first position, and the token that has none where there is one: it takes the place before the first.
    first: usize,
    uncounted: Option<TokenId>,
}

impl EncoderEmbedding {
    pub(super) fn load(
        config: &EncoderConfig,
        loader: &NativeLoader<'_>,
    ) -> Result<Self, NativeError> {
        let names = EncoderNames::new(config);
        let hidden = config.hidden_size;
        let table = |name: &str, rows| loader.values(&format!("{name}.weight"), &[rows, hidden]);
        let mut positions = table(names.positions, config.max_position_embeddings)?;
        if let Some(name) = names.token_types {
            let types = table(name, config.type_vocab_size)?;
            for row in positions.chunks_mut(hidden) {
                row.iter_mut().zip(&types).for_each(|(x, first)| *x += first);
            }
        }
        Ok(Self {
            hidden_size: hidden,
            tokens: table(names.tokens, config.vocab_size)?,
            positions,
            first: config.first_position(),
            uncounted: (config.family == EncoderFamily::MpNet).then_some(config.pad_token_id),
        })
    }

    /// The norm of the sum.
    pub(super) fn norm(
        config: &EncoderConfig,
        loader: &NativeLoader<'_>,
    ) -> Result<NativeNorm, NativeError> {
        loader.norm(EncoderNames::new(config).norm, config.hidden_size)
    }

    /// Memory that the tables take.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.tokens) + size_of_val(&*self.positions)
    }

    /// `x`: `(n_tokens, hidden_size)` of all texts, end to end
    pub(super) fn forward(
        &self,
        texts: &[&[TokenId]],
        norm: &NativeNorm,
        x: &mut Vec<f32>,
        pool: &Pool,
    ) {
        let hidden = self.hidden_size;
        let mut sums =
            Vec::with_capacity(texts.iter().map(|ids| ids.len()).sum::<usize>() * hidden);
        for ids in texts {
            let mut next = self.first;
            for &id in *ids {
                let place = if self.uncounted == Some(id) { self.first - 1 } else { next };
                next += usize::from(self.uncounted != Some(id));
                let token = &self.tokens[id as usize * hidden..][..hidden];
                let place = &self.positions[place * hidden..][..hidden];
                sums.extend(token.iter().zip(place).map(|(token, place)| token + place));
            }
        }
        x.resize(sums.len(), 0.0);
        norm.forward(&sums, x, pool);
    }
}
