use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::HubError;
use crate::repo::RepoKind;
use crate::{DownloadCallback, HubConfig, HubRepo};

/// Short names of well-known checkpoints, and where they are on the hub.
pub const MODEL_ALIASES: [(&str, &str); 7] = [
    ("llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct"),
    ("gemma-2-2b", "google/gemma-2-2b-it"),
    ("starcoder-1b", "bigcode/starcoderbase-1b"),
    ("starcoder-1b-textbook", "jinaai/starcoder-1b-textbook"), // the paper's StarCoder
    ("qwen2.5-coder-0.5b", "Qwen/Qwen2.5-Coder-0.5B-Instruct"),
    ("qwen2.5-coder-1.5b", "Qwen/Qwen2.5-Coder-1.5B-Instruct"),
    ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct"),
];

/// Short names of well-known embedding models, and where they are on the hub.
pub const EMBEDDER_ALIASES: [(&str, &str); 7] = [
    ("bge-small", "BAAI/bge-small-en-v1.5"),
    ("bge-base", "BAAI/bge-base-en-v1.5"),
    ("bge-large", "BAAI/bge-large-en-v1.5"),
    ("minilm", "sentence-transformers/all-MiniLM-L6-v2"),
    ("mpnet", "sentence-transformers/all-mpnet-base-v2"),
    ("potion-code", "minishlab/potion-code-16M"),
    ("potion-retrieval", "minishlab/potion-retrieval-32M"),
];

/// Where a model comes from, parsed from `"DIR" | "file.gguf" | "org/name[@revision]"`.
///
/// A path that exists wins over a repository of the same name. In place of `org/name` stands
/// one of [`MODEL_ALIASES`] or [`EMBEDDER_ALIASES`].
///
/// # Examples
/// ```
/// use infer_code_cad_hub::ModelSource;
///
/// let source: ModelSource = "gemma-2-2b@main".parse()?;
/// assert_eq!(source.to_string(), "google/gemma-2-2b-it@main");
/// # Ok::<(), infer_code_cad_hub::HubError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// A directory or a file.
    Path(PathBuf),
    /// A repository of the hub.
    Hub(HubRepo),
}

impl ModelSource {
    /// The directory or file, without touching the network: a repository is looked up in the cache
    /// that Hugging Face's libraries share.
    ///
    /// # Errors
    /// [`HubError::NotCached`], [`HubError::IncompleteSnapshot`] naming what is absent,
    /// [`HubError::GgufOnly`] naming the files there are, and the errors of reading the cache.
    pub fn locate(&self, config: &HubConfig) -> Result<PathBuf, HubError> {
        match self {
            Self::Path(path) => Ok(path.clone()),
            Self::Hub(repo) => repo.cached(config),
        }
    }

    /// The directory or file; a repository that is not wholly in the cache is downloaded, which
    /// needs the feature `hub`.
    ///
    /// A whole snapshot in the cache is used as it is, without asking whether the branch has moved;
    /// `hub::download` asks. Where a tokenizer, a template or the like is absent and nobody has noted
    /// that the hub has none, the hub is asked for it, if it can be reached.
    ///
    /// # Errors
    /// Those of [`ModelSource::locate`] when the feature is not there or the configuration says
    /// offline, else those of `hub::download`.
    pub fn fetch(
        &self,
        config: &HubConfig,
        progress: &mut DownloadCallback<'_>,
    ) -> Result<PathBuf, HubError> {
        match (self, self.locate(config)) {
            #[cfg(feature = "download")]
            (
                Self::Hub(repo),
                Err(HubError::NotCached { .. } | HubError::IncompleteSnapshot { .. }),
            ) if !config.offline => crate::download(repo, config, progress),
            // The repository may have safetensors as well, which nobody has fetched yet.
            #[cfg(feature = "download")]
            (Self::Hub(repo), Err(found @ HubError::GgufOnly { .. })) if !config.offline => {
                match crate::download(repo, config, progress) {
                    Err(HubError::GgufOnly { .. } | HubError::HubUnreachable { .. }) => Err(found),
                    downloaded => downloaded,
                }
            }
            #[cfg(feature = "download")]
            (Self::Hub(repo), Ok(snapshot))
                if !config.offline && repo.may_lack(&snapshot, config) =>
            {
                match crate::download(repo, config, progress) {
                    Err(HubError::HubUnreachable { .. }) => Ok(snapshot),
                    downloaded => downloaded,
                }
            }
            (_, located) => {
                // Nothing is downloaded here, so there is nothing to report.
                let _ = progress;
                located
            }
        }
    }
}

impl FromStr for ModelSource {
    type Err = HubError;

    fn from_str(spec: &str) -> Result<Self, HubError> {
        let path = Path::new(spec);
        if path.exists() {
            return Ok(Self::Path(path.into()));
        }
        let invalid = |reason| HubError::ModelSpec { spec: spec.into(), reason };
        let (name, revision) = spec.split_once('@').unwrap_or((spec, HubRepo::DEFAULT_REVISION));
        let mut aliases = MODEL_ALIASES.iter().chain(&EMBEDDER_ALIASES);
        if let Some((_, aliased)) = aliases.find(|(alias, _)| *alias == name) {
            return HubRepo::new(RepoKind::Model, aliased, revision)
                .map(Self::Hub)
                .map_err(invalid);
        }
        let is_path = path.is_absolute()
            || spec.starts_with(['.', '~'])
            || spec.ends_with(".gguf")
            || spec.contains('\\')
            || name.split('/').count() > 2;
        if is_path {
            return Err(invalid("there is no such file or directory"));
        }
        HubRepo::new(RepoKind::Model, name, revision).map(Self::Hub).map_err(invalid)
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Hub(repo) => write!(f, "{repo}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(spec: &str) -> &'static str {
        match spec.parse::<ModelSource>() {
            Err(HubError::ModelSpec { reason, .. }) => reason,
            other => panic!("{spec}: {other:?}"),
        }
    }

    fn repo(spec: &str) -> (String, String) {
        match spec.parse::<ModelSource>().unwrap() {
            ModelSource::Hub(repo) => (repo.name().to_owned(), repo.revision().to_owned()),
            other @ ModelSource::Path(_) => panic!("{spec}: {other:?}"),
        }
    }

    #[test]
    fn repositories_with_and_without_revision() {
        let pair = |name: &str, revision: &str| (name.to_owned(), revision.to_owned());
        assert_eq!(repo("org/name"), pair("org/name", "main"));
        assert_eq!(repo("org/name@v1.0"), pair("org/name", "v1.0"));
        assert_eq!(repo("org/name@refs/pr/7"), pair("org/name", "refs/pr/7"));
        assert_eq!(repo("gemma-2-2b"), pair("google/gemma-2-2b-it", "main"));
        assert_eq!(repo("starcoder-1b@dev"), pair("bigcode/starcoderbase-1b", "dev"));
        for (alias, name) in MODEL_ALIASES.into_iter().chain(EMBEDDER_ALIASES) {
            assert_eq!(repo(alias).0, name);
        }
    }

    #[test]
    fn an_existing_path_wins() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["weights.gguf", "model@v1"] {
            let file = dir.path().join(name);
            std::fs::write(&file, b"").unwrap();
            let source: ModelSource = file.to_str().unwrap().parse().unwrap();
            assert_eq!(source, ModelSource::Path(file));
        }
        // Relative to the package, where tests run: a directory of the form of a repository.
        assert_eq!(
            "tests/hub".parse::<ModelSource>().unwrap(),
            ModelSource::Path("tests/hub".into())
        );
    }

    #[test]
    fn what_names_nothing_is_refused_with_the_reason() {
        for path in ["/no/such", "./no", "~/no", "a/b/c", "no.gguf", r"C:\no", "org/name.gguf"] {
            assert_eq!(reason(path), "there is no such file or directory", "{path}");
        }
        for name in ["", "name", "@main", "org/", "/x", "org/na me", "org/--", "org/.x", "o\n/n"] {
            reason(name);
        }
        for revision in ["", "..", "a/../b", "/a", "a//b", "a\0b", "a b", ".", "a@b"] {
            let spec = format!("org/name@{revision}");
            assert!(reason(&spec).starts_with("the revision"), "{spec}");
        }
        let message = "nonsense".parse::<ModelSource>().unwrap_err().to_string();
        assert!(message.contains("org/name[@revision]") && message.contains("gemma-2-2b"));
    }

    proptest! {
        #[test]
        fn no_spec_panics_or_leaves_the_cache(spec in "[a-zA-Z]{1,5}/[a-z.-]{1,6}(@[a-z./-]{1,10})?|\\PC{0,20}") {
            let config = HubConfig::new("/cache");
            if let Ok(ModelSource::Hub(repo)) = spec.parse::<ModelSource>() {
                prop_assert!(!repo.revision().split('/').any(|part| part == ".." || part.is_empty()));
                let located = ModelSource::Hub(repo).locate(&config);
                let not_cached = matches!(located, Err(HubError::NotCached { .. }));
                prop_assert!(not_cached);
            }
        }
    }
}
