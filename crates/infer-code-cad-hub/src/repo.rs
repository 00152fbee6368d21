use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// A repository at a revision: `org/name` and a branch, a tag or a full commit hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubRepo {
    pub(crate) kind: RepoKind,
    pub(crate) name: String,
    pub(crate) revision: String,
}

/// What a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepoKind {
    Model,
    Dataset,
}

impl HubRepo {
    /// The branch that is taken when none is named.
    pub const DEFAULT_REVISION: &'static str = "main";

    /// Checks that both can be parts of a URL and of a path inside the cache.
    pub(crate) fn new(kind: RepoKind, name: &str, revision: &str) -> Result<Self, &'static str> {
        let plain =
            |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let is_name = |part: &str| {
            let ends = |c| part.starts_with(c) || part.ends_with(c);
            let doubled = part.contains("--") || part.contains("..");
            !part.is_empty()
                && part.len() <= 96
                && plain(part)
                && !doubled
                && !ends('-')
                && !ends('.')
        };
        match name.split_once('/') {
            None => return Err("there is no such path, and a repository has the form org/name"),
            Some((org, name)) if !is_name(org) || !is_name(name) => {
                return Err("org and name consist of letters, digits and inner - _ .");
            }
            Some(_) => {}
        }
        let is_part = |part: &str| !part.is_empty() && plain(part) && part != "." && part != "..";
        if revision.len() > 200 || !revision.split('/').all(is_part) {
            return Err("the revision is not a branch, a tag or a full commit hash");
        }
        Ok(Self { kind, name: name.into(), revision: revision.into() })
    }

    /// `org/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A branch, a tag or a commit hash.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// What fetches the repository without us.
    pub(crate) fn command(&self) -> String {
        let kind = if self.kind == RepoKind::Dataset { " --repo-type dataset" } else { "" };
        format!("hf download {}{kind} --revision {}", self.name, self.revision)
    }
}

impl fmt::Display for HubRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

/// Where repositories are kept and fetched from.
#[derive(Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// The cache that Hugging Face's libraries share, the directory above `models--org--name`.
    pub cache_dir: PathBuf,
    /// The server, as `https://host`.
    pub endpoint: String,
    /// Shows that the licence of a gated repository was accepted; never printed.
    pub token: Option<String>,
    /// Whether only the cache is used.
    pub offline: bool,
    /// The longest wait for a connection, an answer or the next bytes.
    pub timeout: Duration,
}

impl HubConfig {
    /// Hugging Face's server, no token, 10 s of patience.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            endpoint: "https://huggingface.co".into(),
            token: None,
            offline: false,
            timeout: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for HubConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubConfig")
            .field("cache_dir", &self.cache_dir)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "hidden"))
            .field("offline", &self.offline)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// How far a download is. All counts are bytes, and include what an earlier call fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadProgress<'a> {
    /// The file at work.
    pub file: &'a str,
    /// Bytes of the file that are there.
    pub file_bytes: u64,
    /// Size of the file.
    pub file_size: u64,
    /// Bytes of all files that are there.
    pub bytes: u64,
    /// Size of all files.
    pub total: u64,
}

/// Told about a download; breaks to interrupt it, which keeps what was fetched.
pub type DownloadCallback<'a> = dyn FnMut(&DownloadProgress<'_>) -> ControlFlow<()> + 'a;

/// Whether a revision is a full commit hash.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use crate::*;

    #[test]
    fn the_token_is_never_printed() {
        let config = HubConfig { token: Some("hf_secret".into()), ..HubConfig::new("cache") };
        let shown = format!("{config:?}");
        assert!(!shown.contains("hf_secret") && shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn commits_are_forty_hexadecimal_digits() {
        assert!(is_commit("0123456789abcdef0123456789abcdef01234567"));
        assert!(!is_commit("0123456789abcdef0123456789abcdef0123456"));
        assert!(!is_commit("0123456789abcdef0123456789abcdef0123456g"));
    }
}
