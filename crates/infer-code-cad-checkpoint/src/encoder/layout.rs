use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::CheckpointError;
use crate::fields::Fields;
use crate::lfs::refuse_pointer;
use crate::named::named;

const MODULES: &str = "modules.json";
const POOLING: &str = "config.json";
const SENTENCE: &str = "sentence_bert_config.json";
const PROMPTS: &str = "config_sentence_transformers.json";

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// That of the first token.
    Cls,
    /// Their mean, those added around the text included.
    Mean,
}

named!(Pooling, "pooling": Cls = "cls", Mean = "mean");

/// What a directory of sentence-transformers says beside its transformer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SentenceLayout {
    /// Where the transformer's files are.
    pub transformer: PathBuf,
    /// How one vector is made.
    pub pooling: Pooling,
    /// Values of a vector, where the pooling says.
    pub dimension: Option<usize>,
    /// The most tokens of a text, where it says.
    pub max_seq_length: Option<usize>,
    /// Whether texts are put in lower case before the tokenizer sees them.
    pub do_lower_case: bool,
    /// What stands before texts, by a name such as `query`.
    pub prompts: BTreeMap<String, String>,
    /// The prompt for texts of no name.
    pub default_prompt_name: Option<String>,
}

impl SentenceLayout {
    /// Reads `modules.json` and the files that it and sentence-transformers name.
    ///
    /// Vectors are brought to length 1 whether or not the last module is `Normalize`. A directory without
    /// `modules.json` is a transformer alone: its tokens' vectors are averaged, as sentence-transformers does.
    ///
    /// # Errors
    /// [`CheckpointError::UnsupportedLayout`] naming another module (such as `Dense`), another kind of pooling, or a
    /// similarity that vectors of length 1 do not keep; [`CheckpointError::Json`], [`CheckpointError::Io`],
    /// [`CheckpointError::MissingFile`], [`CheckpointError::LfsPointer`].
    pub fn read(dir: &Path) -> Result<Self, CheckpointError> {
        let mut layout = Self {
            transformer: dir.into(),
            pooling: Pooling::Mean,
            dimension: None,
            max_seq_length: None,
            do_lower_case: false,
            prompts: BTreeMap::new(),
            default_prompt_name: None,
        };
        let Some(json) = read_optional(&dir.join(MODULES))? else { return Ok(layout) };
        let modules = modules(&dir.join(MODULES), &json)?;
        layout.transformer = dir.join(&modules.transformer);
        layout.read_pooling(&dir.join(modules.pooling).join(POOLING))?;
        layout.read_limits()?;
        layout.read_prompts(&dir.join(PROMPTS), modules.normalizes)?;
        Ok(layout)
    }

    fn read_pooling(&mut self, path: &Path) -> Result<(), CheckpointError> {
        let Some(json) = read_optional(path)? else { return Err(missing(path)) };
        let file = path.display().to_string();
        let fields = Fields::of(&file, &json)?;
        self.pooling = pooling(&file, &fields)?;
        for field in ["embedding_dimension", "word_embedding_dimension"] {
            self.dimension = self.dimension.or(fields.read(field, "a whole number")?);
        }
        if fields.read::<bool>("include_prompt", "true or false")? == Some(false) {
            let field = "include_prompt".to_owned();
            return Err(CheckpointError::UnsupportedLayout {
                file,
                field,
                value: "false".into(),
                supported: "true",
            });
        }
        Ok(())
    }

    fn read_limits(&mut self) -> Result<(), CheckpointError> {
        let path = self.transformer.join(SENTENCE);
        let Some(json) = read_optional(&path)? else { return Ok(()) };
        let file = path.display().to_string();
        let fields = Fields::of(&file, &json)?;
        self.max_seq_length = fields.read("max_seq_length", "a whole number")?;
        self.do_lower_case = fields.read("do_lower_case", "true or false")?.unwrap_or(false);
        Ok(())
    }

    fn read_prompts(&mut self, path: &Path, normalizes: bool) -> Result<(), CheckpointError> {
        let Some(json) = read_optional(path)? else { return Ok(()) };
        let file = path.display().to_string();
        let fields = Fields::of(&file, &json)?;
        let prompts = fields.read("prompts", "texts by names")?;
        self.prompts = prompts.unwrap_or_default();
        self.default_prompt_name = fields.read("default_prompt_name", "a text")?;
        let similarity: Option<String> = fields.read("similarity_fn_name", "a text")?;
        match similarity.as_deref() {
            None | Some("cosine" | "euclidean" | "manhattan") => Ok(()),
            Some("dot") if normalizes => Ok(()),
            Some(other) => Err(CheckpointError::UnsupportedLayout {
                file,
                field: "similarity_fn_name".into(),
                value: other.into(),
                supported: "cosine, euclidean, and dot behind a module Normalize",
            }),
        }
    }
}

/// One entry of `modules.json`.
#[derive(Debug, Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    class: String,
}

/// The folders of the modules there may be.
struct Modules {
    transformer: String,
    pooling: String,
    normalizes: bool,
}

fn modules(path: &Path, json: &[u8]) -> Result<Modules, CheckpointError> {
    let file = path.display().to_string();
    let modules: Vec<Module> = serde_json::from_slice(json)
        .map_err(|source| CheckpointError::Json { file: file.clone(), source: source.into() })?;
    let refuse = |value: &str| CheckpointError::UnsupportedLayout {
        file: file.clone(),
        field: "type".into(),
        value: value.into(),
        supported: "a Transformer, a Pooling behind it, and Normalize behind them or nothing",
    };
    // The package of a class has changed its name, the class has not.
    let class = |module: &Module| module.class.rsplit('.').next().unwrap_or_default().to_owned();
    let classes: Vec<String> = modules.iter().map(class).collect();
    if let Some(module) = modules.iter().find(|module| !is_inside(&module.path)) {
        let supported = "a folder of the directory";
        let (field, value) = ("path".to_owned(), module.path.clone());
        return Err(CheckpointError::UnsupportedLayout { file, field, value, supported });
    }
    let names: Vec<&str> = classes.iter().map(String::as_str).collect();
    let known = ["Transformer", "Pooling", "Normalize"];
    match (names.as_slice(), modules.as_slice()) {
        (["Transformer", "Pooling", rest @ ..], [transformer, pooling, ..])
            if matches!(rest, [] | ["Normalize"]) =>
        {
            Ok(Modules {
                transformer: transformer.path.clone(),
                pooling: pooling.path.clone(),
                normalizes: !rest.is_empty(),
            })
        }
        _ => Err(match names.iter().find(|name| !known.contains(name)) {
            Some(other) => refuse(other),
            None => refuse(&names.join(", ")),
        }),
    }
}

/// Whether a path leads to the directory itself or below it.
fn is_inside(path: &str) -> bool {
    use std::path::Component::{CurDir, Normal};
    Path::new(path).components().all(|part| matches!(part, Normal(_) | CurDir))
}

/// The one mode of pooling, by its newer field or by the older flags.
fn pooling(file: &str, fields: &Fields<'_>) -> Result<Pooling, CheckpointError> {
    let refuse = |value: &str| CheckpointError::UnsupportedLayout {
        file: file.into(),
        field: "pooling_mode".into(),
        value: value.into(),
        supported: "cls, mean",
    };
    let newer: Option<OneOrMany> = fields.read("pooling_mode", "a text or a list of texts")?;
    let modes = match newer {
        Some(OneOrMany::One(mode)) => vec![mode],
        Some(OneOrMany::Many(modes)) => modes,
        None => {
            let mut modes = vec![];
            for (flag, mode) in FLAGS {
                let is_set = fields.read::<bool>(flag, "true or false")? == Some(true);
                modes.extend(is_set.then(|| mode.to_owned()));
            }
            modes
        }
    };
    match modes.as_slice() {
        [] => Ok(Pooling::Mean), // as sentence-transformers
        [mode] => mode.parse().map_err(|_| refuse(mode)),
        several => Err(refuse(&several.join(" and "))),
    }
}

/// A field that older files hold a text in, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The older flags of `pooling_mode`.
const FLAGS: [(&str, &str); 6] = [
    ("pooling_mode_cls_token", "cls"),
    ("pooling_mode_mean_tokens", "mean"),
    ("pooling_mode_max_tokens", "max"),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
    ("pooling_mode_weightedmean_tokens", "weightedmean"),
    ("pooling_mode_lasttoken", "lasttoken"),
];

/// The contents of a file that need not be there.
pub(super) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, CheckpointError> {
    match fs::read(path) {
        Ok(bytes) => {
            refuse_pointer(&path.display().to_string(), &bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CheckpointError::Io { path: path.into(), source }),
    }
}

/// The error for a file that has to be there.
pub(super) fn missing(path: &Path) -> CheckpointError {
    let shown = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().display().to_string();
    CheckpointError::MissingFile {
        checkpoint: path.parent().unwrap_or(path).display().to_string(),
        file: shown(path.file_name()),
        remedy: "give a directory saved by sentence-transformers or by save_pretrained, tokenizer included",
    }
}
