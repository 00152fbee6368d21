use std::path::{Path, PathBuf};

use super::layout::{missing, read_optional};
use super::{EncoderConfig, EncoderTokenizer, SentenceLayout};
use crate::fields::Fields;
use crate::recorded::build_from;
use crate::tensors::{NamedTensors, RawMatrix};
use crate::weights::{TensorSource, Weights};
use crate::{CheckpointError, TensorInfo};

/// The parts of a text encoder, from a directory of sentence-transformers or of transformers.
///
/// `config.json`, `tokenizer.json` and safetensors weights are needed; what [`SentenceLayout`] reads is used when there.
#[derive(Debug)]
pub struct EncoderCheckpoint {
    config: EncoderConfig,
    name: Option<String>,
    layout: SentenceLayout,
    max_tokens: usize,
    tokenizer: EncoderTokenizer,
    weights: Weights,
    prefix: &'static str,
}

impl EncoderCheckpoint {
    /// Opens a directory. The weights are memory-mapped, so they are read when the model is loaded and must not change
    /// while the checkpoint lives.
    ///
    /// # Errors
    /// [`CheckpointError::MissingFile`], [`CheckpointError::VocabularyMismatch`] when the tokenizer makes tokens that
    /// the model does not know, [`CheckpointError::Weights`] for a damaged file, the errors of
    /// [`SentenceLayout::read`], of [`EncoderConfig::from_json`] and of [`EncoderTokenizer::from_bytes`].
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        let layout = SentenceLayout::read(dir)?;
        let read = |name: &str| {
            let path = layout.transformer.join(name);
            read_optional(&path)?.ok_or_else(|| missing(&path))
        };
        let json = read("config.json")?;
        let config = EncoderConfig::from_json(&json)?;
        let name = Fields::of("config.json", &json)?.get("_name_or_path").ok().flatten();
        if let Some(dimension) = layout.dimension.filter(|&d| d != config.hidden_size) {
            return Err(CheckpointError::UnsupportedLayout {
                file: dir.display().to_string(),
                field: "word_embedding_dimension".into(),
                value: dimension.to_string(),
                supported: "the hidden_size of config.json",
            });
        }
        let tokenizer = EncoderTokenizer::from_bytes(&read("tokenizer.json")?)?;
        let tokenizer = if layout.do_lower_case { tokenizer.lowercased()? } else { tokenizer };
        let (tokens, vocab_size) = (tokenizer.vocab_size(), config.vocab_size);
        if tokens > vocab_size {
            return Err(CheckpointError::VocabularyMismatch { tokens, vocab_size });
        }
        let max_tokens = max_tokens(&layout, &config, tokenizer.added_tokens())?;
        let weights = Weights::open(&layout.transformer)?;
        let prefix = prefix(&weights.tensors());
        Ok(Self { config, name, layout, max_tokens, tokenizer, weights, prefix })
    }

    /// The shape of the model.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Where the model was when it was saved, as `config.json` remembers it: a name of the hub or a path.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the directory says beside the transformer.
    pub fn layout(&self) -> &SentenceLayout {
        &self.layout
    }

    /// The most tokens of a text, those added around it included: the smaller of `max_seq_length` and the positions
    /// that the model knows. Where no file says `max_seq_length`, `model_max_length` of `tokenizer_config.json`
    /// takes its place, as in sentence-transformers.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The tokenizer, which lower-cases where the layout says so.
    pub fn tokenizer(&self) -> &EncoderTokenizer {
        &self.tokenizer
    }

    /// Gives the tokenizer away, once the model is built.
    pub fn into_tokenizer(self) -> EncoderTokenizer {
        self.tokenizer
    }

    /// The files of weights.
    pub fn weight_files(&self) -> Vec<PathBuf> {
        self.weights.paths().collect()
    }

    /// Lets a backend read the tensors it needs under the names of
    /// [`EncoderNames`](crate::architecture::EncoderNames), and sees that none is left over but a pooler, positions
    /// that are counted, and the heads of other tasks. Names may begin with `bert.` or `mpnet.` in the file.
    ///
    /// # Errors
    /// Those of `build`, and [`CheckpointError::UnexpectedTensor`].
    pub fn build<M, E: From<CheckpointError>>(
        &self,
        build: impl FnOnce(&dyn NamedTensors) -> Result<M, E>,
    ) -> Result<M, E> {
        let inside = |tensors: &dyn NamedTensors| build(&Prefixed { prefix: self.prefix, tensors });
        build_from(&self.weights, inside, &|name| {
            let name = name.strip_prefix(self.prefix).unwrap_or(name);
            let heads = ["pooler.", "cls.", "lm_head.", "classifier."];
            name == "embeddings.position_ids" || heads.iter().any(|head| name.starts_with(head))
        })
    }
}

/// The limit of [`EncoderCheckpoint::max_tokens`], which has to leave room for a token of text.
fn max_tokens(
    layout: &SentenceLayout,
    config: &EncoderConfig,
    added: usize,
) -> Result<usize, CheckpointError> {
    let asked = match layout.max_seq_length {
        Some(asked) => Some(asked),
        None => model_max_length(&layout.transformer)?,
    };
    let max = asked.unwrap_or(usize::MAX).min(config.max_tokens());
    if max > added {
        return Ok(max);
    }
    Err(CheckpointError::UnsupportedLayout {
        file: layout.transformer.display().to_string(),
        field: "max_seq_length".into(),
        value: max.to_string(),
        supported: "more tokens than the tokenizer adds around a text",
    })
}

/// What `tokenizer_config.json` says; many write 10^30 for no limit.
fn model_max_length(dir: &Path) -> Result<Option<usize>, CheckpointError> {
    let path = dir.join("tokenizer_config.json");
    let Some(json) = read_optional(&path)? else { return Ok(None) };
    let file = path.display().to_string();
    let length: Option<f64> = Fields::of(&file, &json)?.read("model_max_length", "a number")?;
    Ok(length.filter(|length| *length >= 0.0).map(|length| length as usize))
}

/// What the names of an encoder begin with in a file.
fn prefix(tensors: &[TensorInfo]) -> &'static str {
    let begins = |prefix: &&str| tensors.iter().any(|tensor| tensor.name.starts_with(*prefix));
    ["bert.", "mpnet."].into_iter().find(begins).unwrap_or_default()
}

/// Tensors whose names in the file have something before them.
struct Prefixed<'a> {
    prefix: &'static str,
    tensors: &'a dyn NamedTensors,
}

impl NamedTensors for Prefixed<'_> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        self.tensors.values(&format!("{}{name}", self.prefix), shape)
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError> {
        self.tensors.raw(&format!("{}{name}", self.prefix), shape)
    }
}
