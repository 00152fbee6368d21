//! Text encoders: models that turn a text into one vector.

mod checkpoint;
mod layout;
mod names;
mod static_table;
mod tokens;

pub use checkpoint::EncoderCheckpoint;
pub use layout::{Pooling, SentenceLayout};
pub use names::{EncoderBlockNames, EncoderNames};
pub use static_table::StaticTable;
pub use tokens::{EncodedText, EncoderTokenizer};

use infer_code_cad_decode::TokenId;

use crate::config::{HfConfig, LARGEST, invalid};
use crate::{Activation, CheckpointError};

/// The shape of a bidirectional transformer, by the names of Hugging Face's `config.json`.
///
/// A block is `x = norm(x + attention(x))`, then `x = norm(x + feed_forward(x))`; every projection has a bias and
/// every token sees every other. Devlin et al., [BERT](https://arxiv.org/abs/1810.04805), and Song et al.,
/// [MPNet](https://arxiv.org/abs/2004.09297), differ in how a token knows its place: see [`EncoderFamily`].
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Whose tensor names the checkpoint uses.
    pub family: EncoderFamily,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Rows of the table of positions; see [`EncoderConfig::max_tokens`].
    pub max_position_embeddings: usize,
    /// Rows of the table of token types, of which the first is added to every token; MPNet has none.
    pub type_vocab_size: usize,
    /// Added to the variance in every norm.
    pub layer_norm_eps: f64,
    /// The nonlinearity of the feed-forward block.
    pub hidden_act: Activation,
    /// The token that stands for no text.
    pub pad_token_id: TokenId,
}

/// Families by the `model_type` of transformers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncoderFamily {
    /// `bert`: BGE, MiniLM, E5, GTE. Positions count from 0.
    Bert,
    /// `mpnet`: all-mpnet-base-v2. Positions count from 2, and every block adds a bias by the distance of two tokens,
    /// in [`EncoderConfig::BUCKETS`] buckets, to their attention score.
    MpNet,
}

impl EncoderConfig {
    /// Buckets of distances that MPNet tells apart, half of them for tokens behind.
    pub const BUCKETS: usize = 32;

    /// Reads a `config.json`. Only the fields that the family has are read.
    ///
    /// # Errors
    /// [`CheckpointError::Json`] when it is no object, [`CheckpointError::LfsPointer`],
    /// [`CheckpointError::UnsupportedConfig`] for another family, activation or kind of positions,
    /// [`CheckpointError::InvalidConfig`] for fields that are absent, of another type or contradict.
    pub fn from_json(json: &[u8]) -> Result<Self, CheckpointError> {
        let raw = HfConfig::parse(json)?;
        let family = match raw.text("model_type")?.as_deref() {
            Some("bert") => EncoderFamily::Bert,
            Some("mpnet") => EncoderFamily::MpNet,
            other => {
                let value = other.unwrap_or("absent").to_owned();
                return Err(unsupported("model_type", value, "bert, mpnet"));
            }
        };
        let (eps, pad, types) = match family {
            EncoderFamily::Bert => (1e-12, 0, raw.size(["type_vocab_size"])?.unwrap_or(2)),
            EncoderFamily::MpNet => (1e-5, 1, 0),
        };
        refuse_other_kinds(&raw, family)?;
        Self {
            family,
            vocab_size: raw.need(["vocab_size"])?,
            hidden_size: raw.need(["hidden_size"])?,
            intermediate_size: raw.need(["intermediate_size"])?,
            num_hidden_layers: raw.need(["num_hidden_layers"])?,
            num_attention_heads: raw.need(["num_attention_heads"])?,
            max_position_embeddings: raw.need(["max_position_embeddings"])?,
            type_vocab_size: types,
            layer_norm_eps: raw.number("layer_norm_eps")?.unwrap_or(eps),
            hidden_act: raw.activation("hidden_act", Activation::Gelu)?,
            pad_token_id: raw.size(["pad_token_id"])?.map_or(pad, |id| id as TokenId),
        }
        .validate()
    }

    /// The width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// The place of the first token in the table of positions.
    pub fn first_position(&self) -> usize {
        match self.family {
            EncoderFamily::Bert => 0,
            EncoderFamily::MpNet => self.pad_token_id as usize + 1,
        }
    }

    /// The most tokens that have a position.
    pub fn max_tokens(&self) -> usize {
        self.max_position_embeddings - self.first_position()
    }

    /// Refuses what cannot be computed, where no file said it: backends ask before they compute anything of the sizes.
    ///
    /// # Errors
    /// [`CheckpointError::Config`] naming the field.
    pub fn check(&self) -> Result<(), CheckpointError> {
        match self.clone().validate() {
            Err(CheckpointError::InvalidConfig { field, value, expected }) => {
                Err(CheckpointError::Config { field, value, expected })
            }
            checked => checked.map(|_| ()),
        }
    }

    fn validate(self) -> Result<Self, CheckpointError> {
        for (field, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size.max(1)),
        ] {
            if value == 0 || value > LARGEST {
                return Err(invalid(field, value.to_string(), "a positive number up to 2^28"));
            }
        }
        if self.family == EncoderFamily::Bert && self.type_vocab_size == 0 {
            return Err(invalid("type_vocab_size", "0", "a positive number"));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let expected = format!("a divisor of hidden_size {}", self.hidden_size);
            return Err(invalid(
                "num_attention_heads",
                self.num_attention_heads.to_string(),
                expected,
            ));
        }
        if self.max_position_embeddings <= self.first_position() {
            let expected = format!("more than the first position, {}", self.first_position());
            let value = self.max_position_embeddings.to_string();
            return Err(invalid("max_position_embeddings", value, expected));
        }
        // It is computed with in f32, where less than the smallest normal number is as bad as zero.
        if !(self.layer_norm_eps > 0.0 && (self.layer_norm_eps as f32).is_normal()) {
            let expected = "a positive number that f32 holds";
            return Err(invalid("layer_norm_eps", self.layer_norm_eps.to_string(), expected));
        }
        Ok(self)
    }
}

/// Refuses what makes another model of the same tensors.
fn refuse_other_kinds(raw: &HfConfig<'_>, family: EncoderFamily) -> Result<(), CheckpointError> {
    if raw.flag("is_decoder")? == Some(true) {
        return Err(unsupported("is_decoder", "true", "false"));
    }
    match family {
        EncoderFamily::Bert => match raw.text("position_embedding_type")? {
            Some(kind) if kind != "absolute" => {
                Err(unsupported("position_embedding_type", kind, "absolute"))
            }
            _ => Ok(()),
        },
        EncoderFamily::MpNet => match raw.size(["relative_attention_num_buckets"])? {
            Some(buckets) if buckets != EncoderConfig::BUCKETS => {
                Err(unsupported("relative_attention_num_buckets", buckets.to_string(), "32"))
            }
            _ => Ok(()),
        },
    }
}

fn unsupported(
    field: &'static str,
    value: impl Into<String>,
    supported: &'static str,
) -> CheckpointError {
    CheckpointError::UnsupportedConfig { field, value: value.into(), supported }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(family: &str, changes: &Value) -> Result<EncoderConfig, CheckpointError> {
        let mut config = json!({
            "model_type": family, "vocab_size": 10, "hidden_size": 8, "intermediate_size": 16,
            "num_hidden_layers": 1, "num_attention_heads": 4, "max_position_embeddings": 32,
        });
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        EncoderConfig::from_json(config.to_string().as_bytes())
    }

    #[test]
    fn absent_fields_take_the_defaults_of_transformers() {
        let bert = with("bert", &json!({"hidden_act": null})).unwrap();
        assert_eq!((bert.layer_norm_eps, bert.type_vocab_size, bert.max_tokens()), (1e-12, 2, 32));
        assert_eq!((bert.hidden_act, bert.head_dim()), (Activation::Gelu, 2));
        let mpnet = with("mpnet", &json!({})).unwrap();
        assert_eq!((mpnet.layer_norm_eps, mpnet.type_vocab_size), (1e-5, 0));
        assert_eq!((mpnet.first_position(), mpnet.max_tokens()), (2, 30));
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (family, changes, words) in [
            ("roberta", json!({}), "model_type is roberta, which is not supported"),
            ("bert", json!({"position_embedding_type": "relative_key"}), "position_embedding_type"),
            ("bert", json!({"is_decoder": true}), "is_decoder is true"),
            ("bert", json!({"hidden_act": "relu"}), "hidden_act is relu"),
            ("mpnet", json!({"relative_attention_num_buckets": 16}), "num_buckets is 16"),
            ("bert", json!({"num_attention_heads": 3}), "a divisor of hidden_size 8"),
            ("bert", json!({"vocab_size": 0}), "vocab_size is 0"),
            ("bert", json!({"type_vocab_size": 0}), "type_vocab_size is 0"),
            ("bert", json!({"layer_norm_eps": 0.0}), "layer_norm_eps is 0"),
            ("bert", json!({"hidden_size": "8"}), "hidden_size is \"8\""),
            ("mpnet", json!({"max_position_embeddings": 2}), "more than the first position, 2"),
        ] {
            let message = with(family, &changes).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn a_configuration_of_ones_own_is_checked_too() {
        let config = with("bert", &json!({})).unwrap();
        config.check().unwrap();
        let config = EncoderConfig { num_attention_heads: 0, ..config };
        let message = config.check().unwrap_err().to_string();
        assert!(
            message.starts_with("EncoderConfig") || message.contains("num_attention_heads is 0")
        );
    }
}
