use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::ChatTemplate;
use crate::CheckpointError;

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
        let config = self.tokenizer_config()?;
        let (file, source) = if let Some(bytes) = &self.template {
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let valid = &bytes[..error.valid_up_to()];
                CheckpointError::ChatTemplateSyntax {
                    file: TEMPLATE.into(),
                    line: 1 + valid.iter().filter(|&&byte| byte == b'\n').count(),
                    reason: "it is not UTF-8".into(),
                }
            })?;
            (TEMPLATE, text.to_owned())
        } else {
            let Some(templates) = config.chat_template else { return Ok(None) };
            (TOKENIZER_CONFIG, templates.default()?)
        };
        let mut tokens = Map::new();
        // The newer layout lists the tokens in tokenizer_config.json, and the map is a leftover.
        let map = match (&self.special_tokens_map, &config.added_tokens_decoder) {
            (Some(map), None) => parse(SPECIAL_TOKENS_MAP, map)?,
            _ => Map::new(),
        };
        tokens.extend(config.fields);
        tokens.extend(map);
        ChatTemplate::new(file, &source, special_tokens(&tokens)).map(Some)
    }

    fn tokenizer_config(&self) -> Result<TokenizerConfig, CheckpointError> {
        self.tokenizer_config
            .as_deref()
            .map_or_else(|| Ok(TokenizerConfig::default()), |json| parse(TOKENIZER_CONFIG, json))
    }
}

#[derive(Default, Deserialize)]
struct TokenizerConfig {
    chat_template: Option<Templates>,
    added_tokens_decoder: Option<IgnoredAny>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "chat_template is neither a text nor a list of {name, template}")]
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

fn parse<'de, T: Deserialize<'de>>(file: &str, json: &'de [u8]) -> Result<T, CheckpointError> {
    serde_json::from_slice(json)
        .map_err(|e| CheckpointError::Json { file: file.into(), source: e.into() })
}

/// A special token is its text, or an object with the text as its `content`.
fn special_tokens(fields: &Map<String, Value>) -> BTreeMap<String, String> {
    let token = |name: &&str| {
        let value = fields.get(*name)?;
        let text = value.as_str().or_else(|| value.get("content")?.as_str())?;
        Some(((*name).to_owned(), text.to_owned()))
    };
    SPECIAL_TOKENS.iter().filter_map(token).collect()
}
