//! Benchmarks as the hub has them: parquet files, a folder for each configuration, named after their split.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::cache::files_in;
use crate::repo::RepoKind;
use crate::{DownloadCallback, HubConfig, HubError, HubRepo};

/// Names of benchmarks, and where they are on the hub.
pub const BENCHMARK_DATASETS: [(&str, &str); 5] = [
    ("humaneval", "openai/openai_humaneval"),
    ("mbpp", "google-research-datasets/mbpp/full"),
    ("mbpp-sanitized", "google-research-datasets/mbpp/sanitized"),
    ("humaneval-plus", "evalplus/humanevalplus"),
    ("mbpp-plus", "evalplus/mbppplus"),
];

/// A data set of the hub, as a [`ProblemSource`] names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    repo: HubRepo,
    /// A folder of the repository; without one the files of a split must lie in one folder.
    configuration: Option<String>,
}

/// Where problems come from: a file, a data set of the hub, or one of [`BENCHMARK_DATASETS`].
///
/// A file that exists wins.
///
/// # Examples
/// ```
/// use infer_code_cad_hub::ProblemSource;
///
/// let source: ProblemSource = "mbpp".parse()?;
/// assert_eq!(source.to_string(), "google-research-datasets/mbpp/full@main");
/// # Ok::<(), infer_code_cad_hub::HubError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemSource {
    /// A file.
    Path(PathBuf),
    /// A data set of the hub.
    Hub(Dataset),
}

impl ProblemSource {
    /// The files of a split; a data set's are looked up in the cache that Hugging Face's libraries share, and
    /// downloaded where they are not in it, which needs the feature `download`.
    ///
    /// # Errors
    /// [`HubError::NotCached`] when the feature is not there or the configuration says offline, [`HubError::DatasetSplit`],
    /// [`HubError::DatasetConfigurations`], [`HubError::DatasetParts`], and the errors of downloads, see `download`.
    pub fn fetch(
        &self,
        split: &str,
        config: &HubConfig,
        progress: &mut DownloadCallback<'_>,
    ) -> Result<Vec<PathBuf>, HubError> {
        match self {
            Self::Path(path) => Ok(vec![path.clone()]),
            Self::Hub(dataset) => dataset.fetch(split, config, progress),
        }
    }
}

impl Dataset {
    fn fetch(
        &self,
        split: &str,
        config: &HubConfig,
        progress: &mut DownloadCallback<'_>,
    ) -> Result<Vec<PathBuf>, HubError> {
        let cached = self.cached(split, config);
        // Nothing is downloaded without the feature, so there is nothing to report.
        let _ = &progress;
        #[cfg(feature = "download")]
        if !config.offline && self.must_ask(&cached) {
            return match self.download(split, config, progress) {
                Err(HubError::HubUnreachable { .. }) if cached.is_ok() => cached,
                downloaded => downloaded,
            };
        }
        cached
    }

    /// Whether the cache does not tell. Of a data set without a configuration it does not: that there is one only, the
    /// hub knows.
    #[cfg(feature = "download")]
    fn must_ask(&self, cached: &Result<Vec<PathBuf>, HubError>) -> bool {
        match cached {
            Ok(_) => self.configuration.is_none(),
            Err(error) => matches!(error, HubError::NotCached { .. }),
        }
    }

    /// The files of a split in the cache, where they are all there.
    fn cached(&self, split: &str, config: &HubConfig) -> Result<Vec<PathBuf>, HubError> {
        let snapshot = self.repo.snapshot(config)?;
        let place = snapshot.display().to_string();
        match self.files(&place, split, files_in(&snapshot, ".parquet")) {
            Ok(names) if is_whole(&names, split) => {
                Ok(names.iter().map(|name| snapshot.join(name)).collect())
            }
            // The cache has what was asked for so far, which may be another split.
            Ok(_) => Err(self.repo.not_cached(config)),
            Err(HubError::DatasetSplit { .. }) => Err(self.repo.not_cached(config)),
            Err(error) => Err(error),
        }
    }

    #[cfg(feature = "download")]
    fn download(
        &self,
        split: &str,
        config: &HubConfig,
        progress: &mut DownloadCallback<'_>,
    ) -> Result<Vec<PathBuf>, HubError> {
        let client = crate::client::Client::new(config, &self.repo);
        let info = client.info()?;
        let listed = info.siblings.into_iter().map(|file| file.rfilename).collect();
        let names = self.files(&client.page(), split, listed)?;
        if !is_whole(&names, split) {
            let (place, split, found) = (client.page(), split.to_owned(), names.len());
            return Err(HubError::DatasetParts { place, split, found });
        }
        let snapshot = crate::download::Snapshot::create(&client, &self.repo, config, info.sha)?;
        snapshot.complete(&names, progress)?;
        Ok(names.iter().map(|name| snapshot.directory.join(name)).collect())
    }

    /// Of the files of a repository those of a split, sorted.
    fn files(&self, place: &str, split: &str, all: Vec<String>) -> Result<Vec<String>, HubError> {
        let folder = |name: &str| name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let is_wanted =
            |name: &String| self.configuration.as_ref().is_none_or(|c| *c == folder(name));
        let is_of_split = |name: &String| parts(name, split).is_some() && is_wanted(name);
        let mut names: Vec<String> = all.into_iter().filter(is_of_split).collect();
        names.sort();
        let mut configurations: Vec<String> = names.iter().map(|name| folder(name)).collect();
        configurations.dedup();
        let (place, split) = (place.to_owned(), split.to_owned());
        match configurations.len() {
            0 => Err(HubError::DatasetSplit { place, split }),
            1 => Ok(names),
            _ => Err(HubError::DatasetConfigurations { place, split, configurations }),
        }
    }
}

/// Of `FOLDER/SPLIT-00000-of-00001.parquet`, with or without a hash before the ending, how many parts there are; `None`
/// for any other path.
fn parts(path: &str, split: &str) -> Option<usize> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let numbers = name.strip_suffix(".parquet")?.strip_prefix(split)?.strip_prefix('-')?;
    let (number, of) = numbers.split_once("-of-")?;
    let of = of.split('-').next().unwrap_or(of);
    let is_number = |digits: &str| digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit());
    // What is fetched becomes a path.
    let is_plain =
        !path.contains('\\') && !path.split('/').any(|part| ["", ".", ".."].contains(&part));
    (is_plain && is_number(number) && is_number(of)).then(|| of.parse().ok())?
}

/// Whether all parts of a split are there, each once.
fn is_whole(names: &[String], split: &str) -> bool {
    names.first().and_then(|name| parts(name, split)) == Some(names.len())
}

impl FromStr for ProblemSource {
    type Err = HubError;

    fn from_str(spec: &str) -> Result<Self, HubError> {
        let path = Path::new(spec);
        if path.exists() && !path.is_dir() {
            return Ok(Self::Path(path.into()));
        }
        let invalid = |reason| HubError::DatasetSpec { spec: spec.into(), reason };
        let (named, revision) = spec.split_once('@').unwrap_or((spec, HubRepo::DEFAULT_REVISION));
        let aliased = BENCHMARK_DATASETS.iter().find(|(alias, _)| *alias == named);
        let named = aliased.map_or(named, |(_, dataset)| dataset);
        let is_path = path.is_absolute()
            || spec.starts_with(['.', '~'])
            || spec.contains('\\')
            || [".jsonl", ".json", ".gz", ".parquet"].iter().any(|ending| spec.ends_with(ending));
        if is_path || !named.contains('/') {
            let is_dir = path.is_dir();
            return Err(invalid(if is_dir {
                "that is a directory"
            } else {
                "there is no such file"
            }));
        }
        let mut parts = named.splitn(3, '/');
        let repo = [parts.next(), parts.next()].map(Option::unwrap_or_default).join("/");
        let configuration = parts.next().map(str::to_owned);
        let is_folder = |name: &String| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && !["", ".", ".."].contains(&name.as_str())
        };
        if !configuration.as_ref().is_none_or(is_folder) {
            return Err(invalid("a configuration is the name of a folder"));
        }
        let repo = HubRepo::new(RepoKind::Dataset, &repo, revision).map_err(invalid)?;
        Ok(Self::Hub(Dataset { repo, configuration }))
    }
}

impl fmt::Display for ProblemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Hub(Dataset { repo, configuration }) => {
                let folder =
                    configuration.as_ref().map_or(String::new(), |name| format!("/{name}"));
                write!(f, "{}{folder}@{}", repo.name(), repo.revision())
            }
        }
    }
}
