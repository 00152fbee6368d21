mod ends;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::chat::ChatFiles;
use crate::config::{HfConfig, TransformerConfig};
use crate::fields::Fields;
use crate::gguf::{self, Gguf, GgufWeights};
use crate::lfs::refuse_pointer;
use crate::recorded::build_from;
use crate::tensors::NamedTensors;
use crate::token_ids::token_ids;
use crate::weights::{INDEX, SINGLE, TensorInfo, TensorSource, Weights, check_finite, conversions};
use crate::{ChatTemplate, CheckpointError, Conversion, Tokenizer};
use ends::Ends;
use infer_code_cad_decode::TokenId;

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
    /// The ends of text that a file names by their ids.
    named_ends: Vec<TokenId>,
    /// All of them, once somebody asked.
    ends: OnceLock<Ends>,
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
    /// [`CheckpointError::MissingFile`], [`CheckpointError::GgufDirectory`], [`CheckpointError::LfsPointer`],
    /// [`CheckpointError::Io`], [`CheckpointError::Weights`] for a damaged file, the errors of
    /// [`TransformerConfig::from_json`], and for GGUF the `Gguf` errors and
    /// [`CheckpointError::TensorFormat`].
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let metadata = fs::metadata(path);
        match metadata.map_err(|source| CheckpointError::Io { path: path.into(), source })? {
            metadata if metadata.is_file() => Self::open_file(path),
            _ => Self::open_dir(path),
        }
    }

    fn open_file(path: &Path) -> Result<Self, CheckpointError> {
        /// Enough to know GGUF and what stands in its place.
        const START: u64 = 64;
        let mut start = vec![];
        File::open(path)
            .and_then(|file| file.take(START).read_to_end(&mut start))
            .map_err(|source| CheckpointError::Io { path: path.into(), source })?;
        refuse_pointer(&path.display().to_string(), &start)?;
        if !gguf::has_magic(&start) {
            return Err(CheckpointError::MissingFile {
                checkpoint: path.display().to_string(),
                file: "beginning of a GGUF file".into(),
                remedy: "give a GGUF file, or the directory of a model saved by save_pretrained",
            });
        }
        Self::from_gguf(Gguf::open(path)?)
    }

    fn open_dir(dir: &Path) -> Result<Self, CheckpointError> {
        let config = dir.join("config.json");
        // A repository of GGUF files may have a config.json too.
        if !config.is_file() || ![SINGLE, INDEX].iter().any(|name| dir.join(name).is_file()) {
            let files = gguf_files(dir);
            if !files.is_empty() {
                return Err(CheckpointError::GgufDirectory { dir: dir.into(), files });
            }
        }
        if !config.is_file() {
            return Err(CheckpointError::MissingFile {
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
    /// [`CheckpointError::Weights`] and the errors of [`TransformerConfig::from_json`].
    pub fn from_bytes(
        config: &[u8],
        tokenizer: impl Into<Cow<'static, [u8]>>,
        weights: Vec<Cow<'static, [u8]>>,
    ) -> Result<Self, CheckpointError> {
        let tokenizer = TokenizerSource::Bytes(tokenizer.into());
        Self::new(config, tokenizer, || Weights::from_bytes(weights))
    }

    /// Takes the contents of a GGUF file, which are copied.
    ///
    /// # Errors
    /// The `Gguf` errors of [`CheckpointError`] and [`CheckpointError::TensorFormat`].
    pub fn from_gguf_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_gguf(Gguf::from_bytes(bytes)?)
    }

    /// Lets a `generation_config.json` replace the EOS tokens, when it names any; -1 names none.
    ///
    /// # Errors
    /// [`CheckpointError::Json`] and [`CheckpointError::LfsPointer`].
    pub fn with_generation_config(mut self, json: &[u8]) -> Result<Self, CheckpointError> {
        const FIELD: &str = "eos_token_id";
        let fields = Fields::of("generation_config.json", json)?;
        let ids = token_ids(&fields, FIELD).map_err(|written| {
            fields.unexpected(FIELD, &written, "a token id or a list of them")
        })?;
        if !ids.is_empty() {
            self.named_ends = ids;
            self.ends = OnceLock::new();
        }
        Ok(self)
    }

    /// Adds a `tokenizer_config.json`, for its chat template and special tokens.
    ///
    /// [`Checkpoint::chat_template`] tells whether it can be used.
    pub fn with_tokenizer_config(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.chat.tokenizer_config = Some(json.into());
        self.ends = OnceLock::new();
        self
    }

    fn new(
        config: &[u8],
        tokenizer: TokenizerSource,
        weights: impl FnOnce() -> Result<Weights, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        let raw = HfConfig::parse(config)?;
        let (named_ends, stored_dtype) = (raw.eos_token_ids()?, raw.dtype());
        let config = raw.into_config()?;
        let (chat, weights) = (ChatFiles::default(), Box::new(weights()?));
        let (metadata, ends) = (vec![], OnceLock::new());
        Ok(Self { config, named_ends, ends, stored_dtype, tokenizer, chat, weights, metadata })
    }

    fn from_gguf(gguf: Gguf) -> Result<Self, CheckpointError> {
        let gguf = Arc::new(gguf);
        let config = gguf::transformer_config(&gguf)?;
        let weights = GgufWeights { gguf: gguf.clone(), config: config.clone() };
        Ok(Self {
            config,
            named_ends: gguf::eos_token_ids(&gguf)?,
            ends: OnceLock::new(),
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
    /// weights of a GGUF file, such as `Q4_K`. Loading goes by the tensors themselves
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
    ///
    /// Those that `config.json` or, before it, `generation_config.json` names, or the keys of a GGUF file; the
    /// `eos_token` of `tokenizer_config.json`; and the token that the chat template writes right behind the
    /// content of the model's turn, whatever its type, unless it is a word or a sign such as text has. A
    /// SentencePiece GGUF file whose keys name no EOS has token 2, as in llama.cpp. The first call looks into the tokenizer's file; what is
    /// wrong with that is for [`Checkpoint::tokenizer`] to tell, and with the template for
    /// [`Checkpoint::chat_template`].
    pub fn eos_token_ids(&self) -> &[TokenId] {
        &self.ends().ids
    }

    /// Reads the tokenizer. Added tokens of a `tokenizer.json` that the model has no embedding for, such as Gemma 3's
    /// for images, are left out.
    ///
    /// # Errors
    /// [`CheckpointError::MissingFile`] when the directory has none, [`CheckpointError::VocabularyMismatch`]
    /// when it makes tokens the model does not know, the errors of [`Tokenizer::from_bytes`], and for
    /// GGUF [`CheckpointError::GgufTokenizer`] and [`CheckpointError::GgufValue`].
    pub fn tokenizer(&self) -> Result<Tokenizer, CheckpointError> {
        let vocab_size = self.config.vocab_size;
        let tokenizer = match &self.tokenizer {
            TokenizerSource::Gguf(gguf) => {
                let Ends { ids, turn } = self.ends();
                gguf::tokenizer(gguf, ids, turn.as_ref())?
            }
            TokenizerSource::Bytes(json) => Tokenizer::within(json, vocab_size)?,
            TokenizerSource::File(path) if path.is_file() => {
                Tokenizer::within(&read(path)?, vocab_size)?
            }
            TokenizerSource::File(path) => {
                return Err(CheckpointError::MissingFile {
                    checkpoint: path.parent().unwrap_or(path).display().to_string(),
                    file: "tokenizer.json".into(),
                    remedy: "save the fast tokenizer beside the weights",
                });
            }
        };
        let tokens = tokenizer.vocab_size();
        if tokens > vocab_size {
            return Err(CheckpointError::VocabularyMismatch { tokens, vocab_size });
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
    /// [`CheckpointError::Json`], [`CheckpointError::NoDefaultChatTemplate`] and
    /// [`CheckpointError::ChatTemplateSyntax`].
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, CheckpointError> {
        match (self.chat.template()?, &self.tokenizer) {
            (None, TokenizerSource::Gguf(gguf)) => gguf::chat_template(gguf),
            (template, _) => Ok(template),
        }
    }

    /// The text of the token that stands for masked words, where `tokenizer_config.json`, `special_tokens_map.json` or
    /// the metadata of a GGUF file name one.
    pub fn mask_token(&self) -> Option<String> {
        match &self.tokenizer {
            TokenizerSource::Gguf(gguf) => gguf::mask_token(gguf),
            _ => self.chat.special_token("mask_token"),
        }
    }

    /// The formats of the matrices that are held in another one when they are loaded as they are stored, and what
    /// that loses, measured on at most `rows` rows of each matrix; empty where every format has products.
    ///
    /// # Errors
    /// Those of reading.
    pub fn conversions(&self, rows: usize) -> Result<Vec<Conversion>, CheckpointError> {
        conversions(self.weights.as_ref(), rows)
    }

    /// Reads every weight and sees that it is a number: what loading does not do, for its time.
    ///
    /// # Errors
    /// [`CheckpointError::NotFinite`] naming the first tensor at fault, and those of reading.
    pub fn check_finite(&self) -> Result<(), CheckpointError> {
        check_finite(self.weights.as_ref())
    }

    /// Lets a backend read the tensors it needs, and sees that none is left over: a model that ignores
    /// some of its weights computes something else.
    ///
    /// # Errors
    /// Those of `build`, and [`CheckpointError::UnexpectedTensor`].
    pub fn build<M, E: From<CheckpointError>>(
        &self,
        build: impl FnOnce(&dyn NamedTensors) -> Result<M, E>,
    ) -> Result<M, E> {
        let tied = self.config.tie_word_embeddings;
        build_from(self.weights.as_ref(), build, &|name| {
            // Constants that older versions of transformers saved as well.
            let constants = ["rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"];
            constants.iter().any(|end| name.ends_with(end)) || (tied && name == "lm_head.weight")
        })
    }
}

/// The names of the GGUF files in a directory, sorted.
fn gguf_files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".gguf")).collect();
    names.sort();
    names
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    fs::read(path).map_err(|source| CheckpointError::Io { path: path.into(), source })
}
