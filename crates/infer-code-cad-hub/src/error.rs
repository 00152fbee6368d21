use std::path::PathBuf;

/// Why a name could not be turned to a path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A text names neither a path nor a repository.
    #[error(
        "{spec:?} names no model: {reason}; give a directory, a .gguf file, org/name[@revision] or \
         one of {}",
        aliases()
    )]
    ModelSpec {
        /// The text.
        spec: String,
        /// Why.
        reason: &'static str,
    },
    /// A repository is not in the cache.
    #[error(
        "{repo} at revision {revision} is not in the cache {}; {remedy}, or run `{command}`",
        cache_dir.display()
    )]
    NotCached {
        /// `org/name`.
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// The cache searched.
        cache_dir: PathBuf,
        /// What to do.
        remedy: &'static str,
        /// What fetches it without us.
        command: String,
    },
    /// The cache holds a part of a repository.
    #[error("{} lacks {missing}; {remedy}, or run `{command}`", snapshot.display())]
    IncompleteSnapshot {
        /// The directory.
        snapshot: PathBuf,
        /// The files it lacks.
        missing: String,
        /// What to do.
        remedy: &'static str,
        /// What fetches it without us.
        command: String,
    },
    /// A text names neither a file nor a data set.
    #[error(
        "{spec:?} names no problems: {reason}; give a file, or org/name[/configuration][@revision] of a data set"
    )]
    DatasetSpec {
        /// The text.
        spec: String,
        /// Why.
        reason: &'static str,
    },
    /// A data set has no parquet files of a split.
    #[error(
        "{place} has no parquet files of split {split:?}; choose another split, or download a file and give its path"
    )]
    DatasetSplit {
        /// The repository's page.
        place: String,
        /// `test`, `validation`, ...
        split: String,
    },
    /// A data set has a split in several configurations.
    #[error(
        "{place} has split {split:?} in several configurations ({}); name one, as in org/name/configuration",
        configurations.join(", ")
    )]
    DatasetConfigurations {
        /// The directory of the cache, or the repository's page.
        place: String,
        /// `test`, `validation`, ...
        split: String,
        /// The folders that have such files.
        configurations: Vec<String>,
    },
    /// The files of a split are more or fewer than their names say.
    #[error(
        "{place} has {found} files of split {split:?}, which is not as many as they name; download the right ones and \
         give a path"
    )]
    DatasetParts {
        /// The repository's page.
        place: String,
        /// `test`, `validation`, ...
        split: String,
        /// How many there are.
        found: usize,
    },
    /// A repository has a model in GGUF and none in safetensors.
    #[error("{place} has no safetensors, it has the GGUF files {}; {remedy}", files.join(", "))]
    GgufOnly {
        /// The directory of the cache, or the repository's page.
        place: String,
        /// The files, by their paths in the repository, sorted.
        files: Vec<String>,
        /// How to pass one of them.
        remedy: String,
    },
    /// The hub refuses a repository (401 or 403).
    #[error(
        "{url} is gated, private or absent (status {status}: {message}); accept its licence \
         there, and set HF_TOKEN to a token that may read it"
    )]
    HubAccess {
        /// The repository's page.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The hub has no such repository, revision or file (404).
    #[error("{url} does not exist; see that the {what} is spelled as on the hub")]
    HubNotFound {
        /// What was asked for.
        url: String,
        /// What may be misspelled.
        what: &'static str,
    },
    /// The hub answers with another status than success.
    #[error("{url} answered with status {status}: {message}; try again later")]
    HubStatus {
        /// What was asked for.
        url: String,
        /// Such as 429 or 500.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The hub's answer makes no sense.
    #[error("{url} answered against the hub's protocol: {reason}; see that HF_ENDPOINT is a hub")]
    HubProtocol {
        /// What was asked for.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The hub cannot be reached, or falls silent.
    #[error(
        "{url} cannot be reached: {reason}; see that the network and the endpoint {endpoint} \
         (HF_ENDPOINT) are right, what was fetched is kept"
    )]
    HubUnreachable {
        /// What was asked for.
        url: String,
        /// The configured server.
        endpoint: String,
        /// Refused, timed out, ...
        reason: String,
    },
    /// A file ended early.
    #[error(
        "{file} of {repo} ended after {actual} of {expected} bytes; try again, what was fetched is \
         kept"
    )]
    DownloadTruncated {
        /// `org/name`.
        repo: String,
        /// The file.
        file: String,
        /// Its size.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// A file is not what the hub announced.
    #[error(
        "{file} of {repo} has checksum {actual}, the hub announced {expected}; it was thrown away, \
         try again"
    )]
    DownloadChecksum {
        /// `org/name`.
        repo: String,
        /// The file.
        file: String,
        /// What its ETag says.
        expected: String,
        /// What it has.
        actual: String,
    },
    /// The callback broke off a download.
    #[error("the download of {repo} was interrupted; the next one goes on where it stopped")]
    DownloadInterrupted {
        /// `org/name`.
        repo: String,
    },
    /// The cache cannot be written, for one because the disk is full.
    #[error(
        "cannot write {}: {source}; make room or set HF_HUB_CACHE, what was fetched is kept",
        path.display()
    )]
    CacheWrite {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is the text that Git LFS leaves in its place.
    #[error(
        "{file} is a Git LFS pointer, not the file itself; run `git lfs pull` in its repository, or \
         download the file"
    )]
    LfsPointer {
        /// The file.
        file: String,
    },
    /// A file is not the JSON expected.
    #[error("{file} cannot be parsed: {source}")]
    Json {
        /// The file.
        file: String,
        /// Line, column and reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The index of a sharded checkpoint names something that is not a file of its directory.
    #[error("{file}: the shard name {shard:?} is not a plain file name; fetch the index again")]
    ShardName {
        /// The index.
        file: String,
        /// The name.
        shard: String,
    },
    /// A part of the checkpoint is absent.
    #[error("{checkpoint} has no {file}; {remedy}")]
    MissingFile {
        /// The directory, or `bytes in memory`.
        checkpoint: String,
        /// The file looked for.
        file: String,
        /// What to do.
        remedy: &'static str,
    },
}

fn aliases() -> String {
    let all = crate::MODEL_ALIASES.iter().chain(&crate::EMBEDDER_ALIASES);
    all.map(|(alias, _)| *alias).collect::<Vec<_>>().join(", ")
}
