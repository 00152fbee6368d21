use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Tensor;
use infer_code_cad_decode::TokenId;
use serde::Deserialize;

use crate::chat::ChatFiles;
use crate::config::{HfConfig, OneOrMany, TransformerConfig};
use crate::gguf::{self, Gguf, GgufWeights};
use crate::loader::{Fetch, RawMatrix};
use crate::weights::{TensorInfo, TensorSource, Weights, check_finite};
use crate::{
    ChatTemplate, DType, Device, ModelError, NativeOptions, Tokenizer, Transformer, WeightFormat,
};

/// The parts of a model in Hugging Face's layout or in GGUF, from files or from bytes.
///
/// In a directory `config.json` and safetensors weights (one file, or shards with their index) are
/// needed, `generation_config.json`, `tokenizer.json` and, for the chat template,
/// `chat_template.jinja`, `tokenizer_config.json` and `special_tokens_map.json` are used when there.
/// A GGUF file has all of it, and its quantized tensors are turned to floats when the model is
/// loaded.
#[derive(Debug)]
pub struct Checkpoint {
    config: TransformerConfig,
    eos_token_ids: Vec<TokenId>,
    stored_dtype: Option<String>,
    tokenizer: TokenizerSource,
    chat: ChatFiles,
    weights: Box<dyn TensorSource>,
    metadata: Vec<(String, String)>,
}

#[derive(Debug)]
enum TokenizerSource {
    File(PathBuf),
    Bytes(Cow<'static, [u8]>),
    Gguf(Arc<Gguf>),
}

impl Checkpoint {
    /// Opens a directory or a GGUF file, known by its first bytes; of a model in several GGUF files
    /// the first. The weights are memory-mapped, so they are read when the model is loaded and must
    /// not change while the checkpoint lives.
    ///
    /// # Errors
    /// [`ModelError::MissingFile`], [`ModelError::Io`], [`ModelError::Weights`] for a damaged file,
    /// the errors of [`TransformerConfig::from_json`], and for GGUF the `Gguf` errors and
    /// [`ModelError::TensorFormat`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        if path.is_file() {
            return Self::open_file(path);
        }
        Self::open_dir(path)
    }

    fn open_file(path: &Path) -> Result<Self, ModelError> {
        let mut start = vec![];
        File::open(path)
            .and_then(|file| file.take(4).read_to_end(&mut start))
            .map_err(|source| ModelError::Io { path: path.into(), source })?;
        if !gguf::has_magic(&start) {
            return Err(ModelError::MissingFile {
                checkpoint: path.display().to_string(),
                file: "beginning of a GGUF file".into(),
                remedy: "give a GGUF file, or the directory of a model saved by save_pretrained",
            });
        }
        Self::from_gguf(Gguf::open(path)?)
    }

    fn open_dir(dir: &Path) -> Result<Self, ModelError> {
        let config = dir.join("config.json");
        if !config.is_file() {
            return Err(ModelError::MissingFile {
                checkpoint: dir.display().to_string(),
                file: "config.json".into(),
                remedy: "give the directory of a model saved by save_pretrained, or a GGUF file",
            });
        }
        let tokenizer = TokenizerSource::File(dir.join("tokenizer.json"));
        let mut checkpoint = Self::new(&read(&config)?, tokenizer, || Weights::open(dir))?;
        checkpoint.chat = ChatFiles::read(dir)?;
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

    /// Takes the contents of a GGUF file, which are copied.
    ///
    /// # Errors
    /// The `Gguf` errors of [`ModelError`] and [`ModelError::TensorFormat`].
    pub fn from_gguf_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::from_gguf(Gguf::from_bytes(bytes)?)
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

    /// Adds a `tokenizer_config.json`, for its chat template and special tokens.
    ///
    /// [`Checkpoint::chat_template`] tells whether it can be used.
    pub fn with_tokenizer_config(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.chat.tokenizer_config = Some(json.into());
        self
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
        let (chat, weights) = (ChatFiles::default(), Box::new(weights()?));
        let metadata = vec![];
        Ok(Self { config, eos_token_ids, stored_dtype, tokenizer, chat, weights, metadata })
    }

    fn from_gguf(gguf: Gguf) -> Result<Self, ModelError> {
        let gguf = Arc::new(gguf);
        let config = gguf::transformer_config(&gguf)?;
        let weights = GgufWeights { gguf: gguf.clone(), config: config.clone() };
        Ok(Self {
            config,
            eos_token_ids: gguf::eos_token_ids(&gguf)?,
            stored_dtype: gguf.stored_as(),
            metadata: gguf.metadata().collect(),
            chat: ChatFiles::default(),
            weights: Box::new(weights),
            tokenizer: TokenizerSource::Gguf(gguf),
        })
    }

    /// The shape of the model.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Whether it is a GGUF file.
    pub fn is_gguf(&self) -> bool {
        matches!(self.tokenizer, TokenizerSource::Gguf(_))
    }

    /// What `config.json` says the weights were saved in, such as `bfloat16`, or the format of most
    /// weights of a GGUF file, such as `Q4_K`. [`Checkpoint::load`] goes by the tensors themselves
    /// and converts them.
    pub fn stored_dtype(&self) -> Option<&str> {
        self.stored_dtype.as_deref()
    }

    /// The tensors of the files, under the names that they have there.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        self.weights.tensors()
    }

    /// The metadata of a GGUF file: key and value, long values by their length. Empty for a
    /// directory.
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// The tokens that end a completion; empty when no file names one.
    pub fn eos_token_ids(&self) -> &[TokenId] {
        &self.eos_token_ids
    }

    /// Reads the tokenizer.
    ///
    /// # Errors
    /// [`ModelError::MissingFile`] when the directory has none, [`ModelError::VocabularyMismatch`]
    /// when it makes tokens the model does not know, the errors of [`Tokenizer::from_bytes`], and for
    /// GGUF [`ModelError::GgufTokenizer`] and [`ModelError::GgufValue`].
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        let tokenizer = match &self.tokenizer {
            TokenizerSource::Gguf(gguf) => gguf::tokenizer(gguf)?,
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

    /// The template that frames messages for a model trained to chat; `None` when no file has one.
    ///
    /// `chat_template.jinja` takes precedence over `tokenizer_config.json`, where the template is a
    /// text or the one named `default` of a list. The template sees the special tokens of
    /// `tokenizer_config.json` and of `special_tokens_map.json`, as in `transformers`. A GGUF file
    /// has a template of its own.
    ///
    /// # Errors
    /// [`ModelError::Json`], [`ModelError::NoDefaultChatTemplate`] and
    /// [`ModelError::ChatTemplateSyntax`].
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, ModelError> {
        match (self.chat.template()?, &self.tokenizer) {
            (None, TokenizerSource::Gguf(gguf)) => gguf::chat_template(gguf),
            (template, _) => Ok(template),
        }
    }

    /// Reads every weight and sees that it is a number: what loading does not do, for its time.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`] naming the first tensor at fault, and those of reading.
    pub fn check_finite(&self) -> Result<(), ModelError> {
        check_finite(self.weights.as_ref())
    }

    /// Bytes that [`Checkpoint::load_packed`] takes for the weights.
    pub fn packed_bytes(&self, format: WeightFormat) -> u64 {
        self.tensors().iter().map(|tensor| format.bytes_of(tensor)).sum()
    }

    /// Sees that the weights fit into memory before they are loaded.
    ///
    /// # Errors
    /// [`ModelError::WeightMemory`].
    pub fn check_memory(
        &self,
        format: WeightFormat,
        available_bytes: u64,
    ) -> Result<(), ModelError> {
        let needed_bytes = self.packed_bytes(format);
        if needed_bytes > available_bytes {
            return Err(ModelError::WeightMemory { needed_bytes, available_bytes });
        }
        Ok(())
    }

    /// Builds the model on the CPU with weights of this element type.
    ///
    /// # Errors
    /// As [`Checkpoint::load_packed`].
    pub fn load(&self, dtype: DType) -> Result<Transformer, ModelError> {
        self.load_packed(dtype.into())
    }

    /// Builds the model on the portable backend, which runs on any device and computes in `dtype`.
    /// On the CPU it is the reference that the packed weights are compared with, and slow.
    ///
    /// # Errors
    /// [`ModelError::DeviceFeature`], [`ModelError::DeviceUnusable`], and those of
    /// [`Checkpoint::load_packed`].
    pub fn load_on(&self, device: Device, dtype: DType) -> Result<Transformer, ModelError> {
        let device = device.open()?;
        self.build(|fetch| Transformer::on_tensors(&self.config, dtype, device, fetch))
    }

    /// Builds the model on the CPU with weights of this format.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::TensorShape`], [`ModelError::TensorDtype`],
    /// [`ModelError::UnexpectedTensor`] for one the model has no place for, [`ModelError::Kernel`],
    /// and [`ModelError::Tensor`].
    pub fn load_packed(&self, format: WeightFormat) -> Result<Transformer, ModelError> {
        self.load_native(&NativeOptions { weights: format, ..NativeOptions::default() })
    }

    /// As [`Checkpoint::load_packed`], with all choices there are.
    ///
    /// # Errors
    /// As [`Checkpoint::load_packed`].
    pub fn load_native(&self, options: &NativeOptions) -> Result<Transformer, ModelError> {
        self.build(|fetch| Transformer::native(&self.config, options, fetch))
    }

    fn build(
        &self,
        build: impl FnOnce(&dyn Fetch) -> Result<Transformer, ModelError>,
    ) -> Result<Transformer, ModelError> {
        let recorded = Recorded { source: self.weights.as_ref(), read: RefCell::default() };
        let model = build(&recorded)?;
        let tied = self.config.tie_word_embeddings;
        self.weights.check_all_read(&recorded.read.into_inner(), &|name| {
            // Constants that older versions of transformers saved as well.
            let constants = ["rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"];
            constants.iter().any(|end| name.ends_with(end)) || (tied && name == "lm_head.weight")
        })?;
        Ok(model)
    }
}

/// Notes which tensors are read.
struct Recorded<'a> {
    source: &'a dyn TensorSource,
    read: RefCell<HashSet<String>>,
}

impl Fetch for Recorded<'_> {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        self.read.borrow_mut().insert(name.to_owned());
        self.source.tensor(name, shape)
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, ModelError> {
        self.read.borrow_mut().insert(name.to_owned());
        self.source.raw(name, shape)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    fs::read(path).map_err(|source| ModelError::Io { path: path.into(), source })
}
