use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::HubError;
use crate::repo::RepoKind;
use crate::shards::{INDEX, SINGLE, shards_of};
use crate::{HubConfig, HubRepo, is_commit};

/// Taken along when the repository has them.
#[cfg(feature = "download")]
pub(crate) const OPTIONAL: [&str; 9] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    // What sentence-transformers adds to an encoder; its modules have their files in folders.
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
];

impl HubRepo {
    /// The snapshot in the cache, when it is whole.
    pub(crate) fn cached(&self, config: &HubConfig) -> Result<PathBuf, HubError> {
        let snapshot = self.snapshot(config)?;
        let missing = missing_files(&snapshot)?;
        if missing.is_empty() {
            return Ok(snapshot);
        }
        let lacks = |name| !snapshot.join(name).is_file();
        let files = files_in(&snapshot, ".gguf");
        if let (true, Some(first)) = (lacks(SINGLE) && lacks(INDEX), files.first()) {
            return Err(HubError::GgufOnly {
                place: snapshot.display().to_string(),
                remedy: format!("give the path of one, such as {}", snapshot.join(first).display()),
                files,
            });
        }
        Err(HubError::IncompleteSnapshot {
            snapshot,
            missing: missing.join(", "),
            remedy: remedy(config),
            command: self.command(),
        })
    }

    /// Whether the hub may have files that make a difference and that the snapshot lacks.
    #[cfg(feature = "download")]
    pub(crate) fn may_lack(&self, snapshot: &Path, config: &HubConfig) -> bool {
        let known = |name: &&str| {
            snapshot.join(name).is_file() || self.absent(snapshot, name, config).is_file()
        };
        !OPTIONAL.iter().all(known)
    }

    /// Notes that the hub has no such file, where `huggingface_hub` notes it.
    #[cfg(feature = "download")]
    pub(crate) fn note_absent(
        &self,
        snapshot: &Path,
        name: &str,
        config: &HubConfig,
    ) -> Result<(), HubError> {
        let path = self.absent(snapshot, name, config);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = parent.and_then(|()| fs::write(&path, ""));
        written.map_err(|source| HubError::CacheWrite { path, source })
    }

    #[cfg(feature = "download")]
    fn absent(&self, snapshot: &Path, name: &str, config: &HubConfig) -> PathBuf {
        let commit = snapshot.file_name().unwrap_or_default();
        self.folder(config).join(".no_exist").join(commit).join(name)
    }

    /// `CACHE/models--org--name`, or `datasets--`.
    pub(crate) fn folder(&self, config: &HubConfig) -> PathBuf {
        let kind = match self.kind {
            RepoKind::Model => "models",
            RepoKind::Dataset => "datasets",
        };
        config.cache_dir.join(format!("{kind}--{}", self.name.replace('/', "--")))
    }

    /// The directory of the revision's files in the cache, of which some may be absent.
    pub(crate) fn snapshot(&self, config: &HubConfig) -> Result<PathBuf, HubError> {
        let commit = self.cached_commit(config)?.ok_or_else(|| self.not_cached(config))?;
        let snapshot = self.folder(config).join("snapshots").join(commit);
        if snapshot.is_dir() { Ok(snapshot) } else { Err(self.not_cached(config)) }
    }

    /// The revision itself if it is a commit, else what `refs/REVISION` says.
    fn cached_commit(&self, config: &HubConfig) -> Result<Option<String>, HubError> {
        if is_commit(&self.revision) {
            return Ok(Some(self.revision.clone()));
        }
        let path = self.folder(config).join("refs").join(&self.revision);
        match fs::read_to_string(&path) {
            // Anything else could lead out of the cache.
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|commit| is_commit(commit))),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(source) => Err(HubError::Io { path, source }),
        }
    }

    pub(crate) fn not_cached(&self, config: &HubConfig) -> HubError {
        HubError::NotCached {
            repo: self.name.clone(),
            revision: self.revision.clone(),
            cache_dir: config.cache_dir.clone(),
            remedy: remedy(config),
            command: self.command(),
        }
    }
}

fn remedy(config: &HubConfig) -> &'static str {
    if !cfg!(feature = "download") {
        "enable the feature hub"
    } else if config.offline {
        "go online (unset HF_HUB_OFFLINE)"
    } else {
        "download it"
    }
}

/// What a model cannot be loaded without and the directory lacks.
fn missing_files(snapshot: &Path) -> Result<Vec<String>, HubError> {
    let absent = |name: &str| !snapshot.join(name).is_file();
    let mut missing = vec![];
    if absent("config.json") {
        missing.push("config.json".to_owned());
    }
    if !absent(SINGLE) {
        return Ok(missing);
    }
    let index = snapshot.join(INDEX);
    if !index.is_file() {
        missing.push(format!("{SINGLE} or {INDEX}"));
        return Ok(missing);
    }
    let json = fs::read(&index).map_err(|source| HubError::Io { path: index.clone(), source })?;
    let shards = shards_of(&index.display().to_string(), &json)?;
    missing.extend(shards.into_iter().filter(|shard| absent(shard)));
    Ok(missing)
}

/// The files of a snapshot and of the folders in it that end so, by their paths in the repository, sorted.
pub(crate) fn files_in(snapshot: &Path, ending: &str) -> Vec<String> {
    /// Repositories put each quantization of a model, and each configuration of a data set, into a folder, at most.
    const DEPTH: usize = 3;
    let mut files = vec![];
    let mut folders = vec![(String::new(), DEPTH)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(snapshot.join(&folder)).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let at = snapshot.join(&path);
            if path.ends_with(ending) && at.is_file() {
                files.push(path);
            } else if depth > 0 && at.is_dir() {
                folders.push((path, depth - 1));
            }
        }
    }
    files.sort();
    files
}
