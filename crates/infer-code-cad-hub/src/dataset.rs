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
    /// and the errors of downloads, see `download`.
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
            Ok(names) if is_whole(&names) => {
                Ok(names.iter().map(|name| snapshot.join(name)).collect())
            }
            // The cache has what was asked for so far, which may be another split.
            Ok(_) => Err(self.repo.not_cached(config)),
            Err(HubError::DatasetSplit { configurations, .. }) if configurations.is_empty() => {
                Err(self.repo.not_cached(config))
            }
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
        if !is_whole(&names) {
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
        let mut names: Vec<String> = all.into_iter().filter(|name| of_split(name, split)).collect();
        names.retain(is_wanted);
        names.sort();
        let mut configurations: Vec<String> = names.iter().map(|name| folder(name)).collect();
        configurations.dedup();
        if configurations.len() == 1 {
            return Ok(names);
        }
        Err(HubError::DatasetSplit { place: place.into(), split: split.into(), configurations })
    }
}

/// Whether a path is `FOLDER/SPLIT-00000-of-00001.parquet`, with or without a hash before the ending.
fn of_split(path: &str, split: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let numbers = name.strip_prefix(split).and_then(|rest| rest.strip_prefix('-'));
    // What is fetched becomes a path.
    let is_plain = !path.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    is_plain && name.ends_with(".parquet") && numbers.and_then(parts).is_some()
}

/// Of `00000-of-00001...` how many parts there are.
fn parts(numbers: &str) -> Option<usize> {
    let (number, of) = numbers.split_once("-of-")?;
    let is_number = |digits: &&str| digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit());
    let (_, of) = (Some(number).filter(is_number)?, of.get(..5).filter(is_number)?);
    of.parse().ok()
}

/// Whether all parts of a split are there, each once.
fn is_whole(names: &[String]) -> bool {
    let of = |name: &String| name.get(name.rfind("-of-")?.checked_sub(5)?..).and_then(parts);
    names.first().and_then(of) == Some(names.len())
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
        if path.is_dir() && named.split('/').count() < 2 {
            return Err(invalid("that is a directory"));
        }
        if is_path {
            return Err(invalid("there is no such file"));
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
