use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use infer_code_cad_decode::TokenId;
use serde::Deserialize;

use crate::config::{HfConfig, OneOrMany, TransformerConfig};
use crate::weights::Weights;
use crate::{DType, Device, ModelError, Tokenizer, Transformer};

/// The parts of a model in Hugging Face's layout, from a directory or from bytes.
///
/// `config.json` and safetensors weights (one file, or shards with their index) are needed,
/// `generation_config.json` and `tokenizer.json` are used when there.
#[derive(Debug)]
pub struct Checkpoint {
    config: TransformerConfig,
    eos_token_ids: Vec<TokenId>,
    stored_dtype: Option<String>,
    tokenizer: TokenizerSource,
    weights: Weights,
}

#[derive(Debug)]
enum TokenizerSource {
    File(PathBuf),
    Bytes(Cow<'static, [u8]>),
}

impl Checkpoint {
    /// Opens a directory. The weights are memory-mapped, so they are read when the model is loaded
    /// and must not change while the checkpoint lives.
    ///
    /// # Errors
    /// [`ModelError::MissingFile`], [`ModelError::Io`], [`ModelError::Weights`] for a damaged file,
    /// and the errors of [`TransformerConfig::from_json`].
    pub fn open(dir: &Path) -> Result<Self, ModelError> {
        let config = dir.join("config.json");
        if !config.is_file() {
            return Err(ModelError::MissingFile {
                checkpoint: dir.display().to_string(),
                file: "config.json".into(),
                remedy: "give the directory of a model saved by save_pretrained",
            });
        }
        let tokenizer = TokenizerSource::File(dir.join("tokenizer.json"));
        let checkpoint = Self::new(&read(&config)?, tokenizer, || Weights::open(dir))?;
        let generation = dir.join("generation_config.json");
        if generation.is_file() {
            return checkpoint.with_generation_config(&read(&generation)?);
        }
        Ok(checkpoint)
    }

    /// Takes the contents of the files, for a model embedded in the program with `include_bytes!`.
    ///
    /// `weights`: whole safetensors files; those that are borrowed are not copied.
    ///
    /// # Errors
    /// [`ModelError::Weights`] and the errors of [`TransformerConfig::from_json`].
    pub fn from_bytes(
        config: &[u8],
        tokenizer: impl Into<Cow<'static, [u8]>>,
        weights: Vec<Cow<'static, [u8]>>,
    ) -> Result<Self, ModelError> {
        let tokenizer = TokenizerSource::Bytes(tokenizer.into());
        Self::new(config, tokenizer, || Weights::from_bytes(weights))
    }

    /// Lets a `generation_config.json` replace the EOS tokens, when it names any.
    ///
    /// # Errors
    /// [`ModelError::Json`].
    pub fn with_generation_config(mut self, json: &[u8]) -> Result<Self, ModelError> {
        #[derive(Deserialize)]
        struct GenerationConfig {
            eos_token_id: Option<OneOrMany>,
        }
        let generation: GenerationConfig = serde_json::from_slice(json)
            .map_err(|source| ModelError::Json { file: "generation_config.json".into(), source })?;
        if let Some(ids) = generation.eos_token_id {
            self.eos_token_ids = ids.into_vec();
        }
        Ok(self)
    }

    fn new(
        config: &[u8],
        tokenizer: TokenizerSource,
        weights: impl FnOnce() -> Result<Weights, ModelError>,
    ) -> Result<Self, ModelError> {
        let raw = HfConfig::parse(config)?;
        let eos_token_ids = raw.eos_token_ids();
        let stored_dtype = raw.dtype().map(str::to_owned);
        let config = raw.into_config()?;
        Ok(Self { config, eos_token_ids, stored_dtype, tokenizer, weights: weights()? })
    }

    /// The shape of the model.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// What `config.json` says the weights were saved in, such as `bfloat16`. [`Checkpoint::load`]
    /// goes by the tensors themselves and converts them.
    pub fn stored_dtype(&self) -> Option<&str> {
        self.stored_dtype.as_deref()
    }

    /// The tokens that end a completion; empty when no file names one.
    pub fn eos_token_ids(&self) -> &[TokenId] {
        &self.eos_token_ids
    }

    /// Reads the tokenizer.
    ///
    /// # Errors
    /// [`ModelError::MissingFile`] when the directory has none, [`ModelError::VocabularyMismatch`]
    /// when it makes tokens the model does not know, and the errors of [`Tokenizer::from_bytes`].
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        let tokenizer = match &self.tokenizer {
            TokenizerSource::Bytes(json) => Tokenizer::from_bytes(json)?,
            TokenizerSource::File(path) if path.is_file() => Tokenizer::from_bytes(&read(path)?)?,
            TokenizerSource::File(path) => {
                return Err(ModelError::MissingFile {
                    checkpoint: path.parent().unwrap_or(path).display().to_string(),
                    file: "tokenizer.json".into(),
                    remedy: "save the fast tokenizer beside the weights",
                });
            }
        };
        let (tokens, vocab_size) = (tokenizer.vocab_size(), self.config.vocab_size);
        if tokens > vocab_size {
            return Err(ModelError::VocabularyMismatch { tokens, vocab_size });
        }
        Ok(tokenizer)
    }

    /// Reads the weights, converts them to `dtype` and builds the model on the CPU.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::TensorShape`], [`ModelError::TensorDtype`],
    /// [`ModelError::UnexpectedTensor`] for one the model has no place for, and
    /// [`ModelError::Tensor`].
    pub fn load(&self, dtype: DType) -> Result<Transformer, ModelError> {
        self.load_on(Device::Cpu, dtype)
    }

    /// As [`Checkpoint::load`], on a device.
    ///
    /// # Errors
    /// [`ModelError::DeviceFeature`], [`ModelError::DeviceUnusable`], and those of
    /// [`Checkpoint::load`].
    pub fn load_on(&self, device: Device, dtype: DType) -> Result<Transformer, ModelError> {
        let mut read = HashSet::new();
        let model = Transformer::build(&self.config, dtype, device, &mut |name, shape| {
            read.insert(name.to_owned());
            self.weights.tensor(name, shape)
        })?;
        let tied = self.config.tie_word_embeddings;
        self.weights.check_all_read(&read, |name| {
            // Constants that older versions of transformers saved as well.
            let constants = ["rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"];
            constants.iter().any(|end| name.ends_with(end)) || (tied && name == "lm_head.weight")
        })?;
        Ok(model)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    fs::read(path).map_err(|source| ModelError::Io { path: path.into(), source })
}
