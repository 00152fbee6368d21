mod identity;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_checkpoint::{ChatTemplate, Checkpoint, Tokenizer};
use infer_code_cad_decode::{Settings, TokenId};
use infer_code_cad_engine::CausalLm;

use crate::fingerprint::Fingerprint;
use crate::{Error, LoadOptions, hub};

/// A model with what it takes to talk to it in text. Cloning shares it.
///
/// # Examples
/// ```no_run
/// use infer_code_cad::native::Format;
/// use infer_code_cad::{LanguageModel, LoadOptions};
///
/// let as_stored = LanguageModel::load("qwen2.5-coder-0.5b")?;
/// let options = LoadOptions { weights: Some(Format::Q8_0), ..LoadOptions::default() };
/// let in_8_bits = LanguageModel::load_with("qwen2.5-coder-0.5b", &options)?;
/// assert_ne!(as_stored.settings(), in_8_bits.settings());
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LanguageModel {
    /// Shown in reports and result files.
    pub name: String,
    /// Token streams to logits.
    pub causal_lm: Arc<dyn CausalLm>,
    /// Text to tokens and back.
    pub tokenizer: Arc<Tokenizer>,
    /// Tokens that end a completion.
    pub eos: Vec<TokenId>,
    /// How to put messages to it; `None` for a model that was not trained to chat.
    pub chat_template: Option<Arc<ChatTemplate>>,
    /// The text of its tokenizer's token for masked words, which few have that write texts.
    pub mask_token: Option<String>,
    /// What its logits depend on: which weights, how they are held and where they run. Two models that
    /// compute differently never have equal ones. Loading fills it in.
    pub identity: Settings,
    /// The commit of the hub's repository that it was loaded from, where its path tells.
    pub commit: Option<String>,
}

impl LanguageModel {
    /// Loads `"DIR" | "file.gguf" | "org/name[@revision]"`, or one of
    /// [`MODEL_ALIASES`](crate::hub::MODEL_ALIASES): weights as they are stored, on the best device that
    /// this program was built for.
    ///
    /// A repository is taken from the hub's cache or, with the feature `hub`, downloaded in silence;
    /// [`hub::resolve`] and [`LanguageModel::open`] show the progress.
    ///
    /// # Errors
    /// [`Error::Hub`], [`Error::Checkpoint`] and [`Error::Native`] naming the file, the tensor or the
    /// setting at fault, and before anything is loaded when the weights do not fit into memory.
    pub fn load(spec: &str) -> Result<Self, Error> {
        Self::load_with(spec, &LoadOptions::default())
    }

    /// [`LanguageModel::load`], held and run as told.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn load_with(spec: &str, options: &LoadOptions) -> Result<Self, Error> {
        let path = hub::resolve(spec, &mut |_| ControlFlow::Continue(()))?;
        Ok(Self { name: spec.to_owned(), ..Self::open(&path, options)? })
    }

    /// Loads a Hugging Face directory (`config.json`, `tokenizer.json` and safetensors) or a file.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn open(path: &Path, options: &LoadOptions) -> Result<Self, Error> {
        let name = path.display().to_string();
        let model = Self::from_checkpoint(name, &Checkpoint::open(path)?, options)?;
        let identity = model.identity.with("files", identity::of_files(path)?);
        Ok(Self { identity, commit: identity::commit(path), ..model })
    }

    /// Loads a checkpoint that is open. [`LanguageModel::identity`] then knows the names and shapes of its
    /// tensors but not their values, which [`LanguageModel::open`] looks at.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn from_checkpoint(
        name: String,
        checkpoint: &Checkpoint,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        let model = Self::with_model(name, checkpoint, options.build(checkpoint)?)?;
        Ok(Self { identity: identity::of_checkpoint(checkpoint, options), ..model })
    }

    /// Joins a model of one's own with the rest of its checkpoint.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when tokenizer or template cannot be used.
    pub fn with_model(
        name: String,
        checkpoint: &Checkpoint,
        causal_lm: Arc<dyn CausalLm>,
    ) -> Result<Self, Error> {
        Ok(Self {
            eos: checkpoint.eos_token_ids().to_vec(),
            chat_template: checkpoint.chat_template()?.map(Arc::new),
            mask_token: checkpoint.mask_token(),
            ..Self::new(name, causal_lm, checkpoint.tokenizer()?)
        })
    }

    /// A model of one's own that does not chat and whose texts end at their longest length.
    ///
    /// Its identity is its name, and is to be set where models of one name differ.
    pub fn new(name: String, causal_lm: Arc<dyn CausalLm>, tokenizer: Tokenizer) -> Self {
        Self {
            identity: Settings::new("own").with("name", &name),
            name,
            causal_lm,
            tokenizer: Arc::new(tokenizer),
            eos: Vec::new(),
            chat_template: None,
            mask_token: None,
            commit: None,
        }
    }

    /// What it is, for result files: everything that prompts and tokens depend on, and no path.
    pub fn settings(&self) -> Settings {
        let template = self.chat_template.as_ref().map(|template| {
            let text = Fingerprint::new().text(template.source());
            text.to_string()
        });
        let eos: Vec<String> = self.eos.iter().map(TokenId::to_string).collect();
        let settings = Settings::new("model")
            .with("identity", &self.identity)
            .with("tokenizer", self.vocabulary())
            .with("template", template.as_deref().unwrap_or("none"))
            .with("eos", eos.join("/"));
        let optional = [("mask", &self.mask_token), ("commit", &self.commit)];
        optional.into_iter().fold(settings, |settings, (key, value)| match value {
            None => settings,
            Some(value) => settings.with(key, value),
        })
    }

    /// What a completion depends on of the model, given its prompt in tokens.
    pub(crate) fn fingerprint(&self) -> String {
        Fingerprint::new().text(&self.identity.to_string()).text(&self.vocabulary()).to_string()
    }

    /// A fingerprint of the bytes of all tokens. How texts are cut into tokens shows in the prompts.
    fn vocabulary(&self) -> String {
        let tokens = 0..TokenId::try_from(self.tokenizer.vocab_size()).unwrap_or(TokenId::MAX);
        let add = |hash: Fingerprint, token| hash.bytes(self.tokenizer.token_bytes(token));
        tokens.fold(Fingerprint::new(), add).to_string()
    }
}
