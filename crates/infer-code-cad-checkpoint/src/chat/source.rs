use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::ChatTemplate;
use crate::CheckpointError;
use crate::fields::Fields;
use crate::lfs::refuse_pointer;

const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const SPECIAL_TOKENS_MAP: &str = "special_tokens_map.json";
const TEMPLATE: &str = "chat_template.jinja";

/// The special tokens that a template sees, by the names of `transformers`.
const SPECIAL_TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The contents of the files of a checkpoint that say how to chat with it.
#[derive(Debug, Default)]
pub(crate) struct ChatFiles {
    pub(crate) tokenizer_config: Option<Vec<u8>>,
    pub(crate) special_tokens_map: Option<Vec<u8>>,
    pub(crate) template: Option<Vec<u8>>,
}

impl ChatFiles {
    /// Reads those that `dir` has.
    pub(crate) fn read(dir: &Path) -> Result<Self, CheckpointError> {
        let read = |file| {
            let path = dir.join(file);
            if !path.is_file() {
                return Ok(None);
            }
            let io = |source| CheckpointError::Io { path: path.clone(), source };
            std::fs::read(&path).map(Some).map_err(io)
        };
        Ok(Self {
            tokenizer_config: read(TOKENIZER_CONFIG)?,
            special_tokens_map: read(SPECIAL_TOKENS_MAP)?,
            template: read(TEMPLATE)?,
        })
    }

    /// The default template. A file of its own takes precedence over `tokenizer_config.json`, as in
    /// `transformers`.
    pub(crate) fn template(&self) -> Result<Option<ChatTemplate>, CheckpointError> {
        let config =
            Fields::of(TOKENIZER_CONFIG, self.tokenizer_config.as_deref().unwrap_or(b"{}"))?;
        let (file, source) = if let Some(bytes) = &self.template {
            (TEMPLATE, text(bytes)?.to_owned())
        } else {
            let expected = "a text or a list of {name, template}";
            let templates: Option<Templates> = config.read("chat_template", expected)?;
            let Some(templates) = templates else { return Ok(None) };
            (TOKENIZER_CONFIG, templates.default()?)
        };
        ChatTemplate::new(file, &source, self.special_tokens(&config)?).map(Some)
    }

    /// The text of a special token, such as `eos_token`, where the files say; what is wrong with them is for
    /// [`ChatFiles::template`] to tell.
    pub(crate) fn special_token(&self, name: &str) -> Option<String> {
        let json = self.tokenizer_config.as_deref().unwrap_or(b"{}");
        let config = Fields::of(TOKENIZER_CONFIG, json).ok()?;
        self.special_tokens(&config).ok()?.remove(name)
    }

    /// Those of `tokenizer_config.json` and of the map beside it.
    fn special_tokens(
        &self,
        config: &Fields<'_>,
    ) -> Result<BTreeMap<String, String>, CheckpointError> {
        // The newer layout lists the tokens in tokenizer_config.json, and the map is a leftover.
        let map = match (&self.special_tokens_map, config.written("added_tokens_decoder")) {
            (Some(map), None) => Some(Fields::of(SPECIAL_TOKENS_MAP, map)?),
            _ => None,
        };
        Ok(special_tokens(config, map.as_ref()))
    }
}

/// The text of a file that is a template.
fn text(bytes: &[u8]) -> Result<&str, CheckpointError> {
    refuse_pointer(TEMPLATE, bytes)?;
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        CheckpointError::ChatTemplateSyntax {
            file: TEMPLATE.into(),
            line: 1 + valid.iter().filter(|&&byte| byte == b'\n').count(),
            reason: "it is not UTF-8".into(),
        }
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl Templates {
    fn default(self) -> Result<String, CheckpointError> {
        let named = match self {
            Self::One(source) => return Ok(source),
            Self::Named(named) => named,
        };
        let names = named.iter().map(|template| template.name.clone()).collect();
        // A later entry of the same name wins, as in a Python dictionary.
        let default = named.into_iter().rfind(|template| template.name == "default");
        let missing =
            || CheckpointError::NoDefaultChatTemplate { file: TOKENIZER_CONFIG.into(), names };
        default.map(|template| template.template).ok_or_else(missing)
    }
}

/// The special tokens of two files, of which the second wins. A token is its text, or an object with the
/// text as its `content`; anything else is none.
fn special_tokens(config: &Fields<'_>, map: Option<&Fields<'_>>) -> BTreeMap<String, String> {
    let token = |name: &&str| {
        let fields = map.filter(|map| map.names(name)).unwrap_or(config);
        let value: Value = fields.get(name).ok()??;
        let text = value.as_str().or_else(|| value.get("content")?.as_str())?;
        Some(((*name).to_owned(), text.to_owned()))
    };
    SPECIAL_TOKENS.iter().filter_map(token).collect()
}
