//! Models and problems by name: a directory, a file, or a repository of the Hugging Face hub.
//!
//! The environment is read here and nowhere below, by the rules of `huggingface_hub`:
//!
//! | variable | meaning |
//! |---|---|
//! | `HF_HUB_CACHE` | the cache; else `HF_HOME/hub` |
//! | `HF_HOME` | else `XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface` |
//! | `HF_TOKEN` | the token; else the file `HF_TOKEN_PATH`, else the file `HF_HOME/token` |
//! | `HF_ENDPOINT` | the server, else `https://huggingface.co` |
//! | `HF_HUB_OFFLINE` | `1`, `true`, `yes` or `on`: only the cache is used |
//! | `HF_HUB_DOWNLOAD_TIMEOUT` | seconds of patience, else 10 |

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

pub use infer_code_cad_hub::{
    BENCHMARK_DATASETS, Dataset, DownloadCallback, DownloadProgress, EMBEDDER_ALIASES, HubConfig,
    HubError, HubRepo, MODEL_ALIASES, ModelSource, ProblemSource,
};

use crate::Error;

/// The directory or file that `"DIR" | "file.gguf" | "org/name[@revision]"` stands for.
///
/// A repository that is not in the cache is downloaded with the feature `hub`, and an error that
/// says what to do without it. `progress` sees the download and may break it off.
///
/// # Errors
/// [`Error::Hub`], see [`ModelSource::fetch`].
pub fn resolve(spec: &str, progress: &mut DownloadCallback<'_>) -> Result<PathBuf, Error> {
    let source: ModelSource = spec.parse()?;
    Ok(source.fetch(&config_from_env(), progress)?)
}

/// The files of a split of problems, of `"FILE" | "org/name[/configuration][@revision]"` or one of
/// [`BENCHMARK_DATASETS`]; a file is all of its splits.
///
/// # Errors
/// [`Error::Hub`], see [`ProblemSource::fetch`].
pub fn problem_files(
    spec: &str,
    split: &str,
    progress: &mut DownloadCallback<'_>,
) -> Result<Vec<PathBuf>, Error> {
    let source: ProblemSource = spec.parse()?;
    Ok(source.fetch(split, &config_from_env(), progress)?)
}

/// The configuration that the environment of this process describes.
pub fn config_from_env() -> HubConfig {
    config_from(&|name| std::env::var(name).ok())
}

/// The configuration that an environment describes, a variable by name. An empty one is absent.
///
/// Without a home directory the cache is below the working directory.
pub fn config_from(variable: &dyn Fn(&str) -> Option<String>) -> HubConfig {
    let variable = |name| variable(name).filter(|value: &String| !value.trim().is_empty());
    let user = variable("HOME").or_else(|| variable("USERPROFILE")).unwrap_or_default();
    let path = |name| {
        variable(name).map(|value| match value.strip_prefix("~/") {
            Some(rest) => PathBuf::from(&user).join(rest),
            None => PathBuf::from(value),
        })
    };
    let home = path("HF_HOME").unwrap_or_else(|| {
        let caches = path("XDG_CACHE_HOME").unwrap_or_else(|| PathBuf::from(&user).join(".cache"));
        caches.join("huggingface")
    });
    let token_file = || {
        let file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        fs::read_to_string(file).ok()
    };
    let token = variable("HF_TOKEN").or_else(token_file).map(|token| token.trim().to_owned());
    let mut config = HubConfig::new(path("HF_HUB_CACHE").unwrap_or_else(|| home.join("hub")));
    config.token = token.filter(|token| !token.is_empty());
    if let Some(endpoint) = variable("HF_ENDPOINT") {
        config.endpoint = endpoint.trim().trim_end_matches('/').to_owned();
    }
    config.offline = variable("HF_HUB_OFFLINE").is_some_and(|value| is_on(&value));
    let seconds = variable("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|value| value.parse().ok());
    if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
        config.timeout = Duration::from_secs(seconds);
    }
    config
}

fn is_on(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> HubConfig {
        config_from(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_cache_is_where_huggingface_hub_has_it() {
        let home = ("HOME", "/home/me");
        let cache = |variables: &[_]| config(variables).cache_dir;
        assert_eq!(cache(&[home]), PathBuf::from("/home/me/.cache/huggingface/hub"));
        let xdg = ("XDG_CACHE_HOME", "/caches");
        assert_eq!(cache(&[home, xdg]), PathBuf::from("/caches/huggingface/hub"));
        let hf_home = ("HF_HOME", "~/hf");
        assert_eq!(cache(&[home, xdg, hf_home]), PathBuf::from("/home/me/hf/hub"));
        let hub_cache = ("HF_HUB_CACHE", "/big/disk");
        assert_eq!(cache(&[home, xdg, hf_home, hub_cache]), PathBuf::from("/big/disk"));
        assert_eq!(cache(&[home, ("HF_HUB_CACHE", "")]), cache(&[home]));
    }

    #[test]
    fn a_token_comes_from_the_variable_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let home = ("HF_HOME", dir.path().to_str().unwrap());
        assert_eq!(config(&[home]).token, None);
        fs::write(dir.path().join("token"), "hf_file\n").unwrap();
        assert_eq!(config(&[home]).token.as_deref(), Some("hf_file"));
        let other = dir.path().join("other");
        fs::write(&other, " hf_other ").unwrap();
        let path = ("HF_TOKEN_PATH", other.to_str().unwrap());
        assert_eq!(config(&[home, path]).token.as_deref(), Some("hf_other"));
        let variable = ("HF_TOKEN", "hf_variable\n");
        assert_eq!(config(&[home, path, variable]).token.as_deref(), Some("hf_variable"));
    }

    #[test]
    fn endpoint_offline_and_patience() {
        let default = config(&[]);
        assert_eq!(default.endpoint, "https://huggingface.co");
        assert!(!default.offline);
        for on in ["1", "true", "TRUE", "Yes", "on"] {
            assert!(config(&[("HF_HUB_OFFLINE", on)]).offline, "{on}");
        }
        for off in ["0", "false", "no", ""] {
            assert!(!config(&[("HF_HUB_OFFLINE", off)]).offline, "{off}");
        }
        let mirror = config(&[("HF_ENDPOINT", "http://mirror/"), ("HF_HUB_DOWNLOAD_TIMEOUT", "3")]);
        assert_eq!(mirror.endpoint, "http://mirror");
        assert_eq!(mirror.timeout, Duration::from_secs(3));
    }
}
