//! Downloads from a hub on the loopback device, into caches of their own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod dataset;
mod failure;
mod happy;
mod resume;
mod server;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use infer_code_cad_hub::{HubConfig, HubRepo, download};
use infer_code_cad_hub::{HubError, ModelSource};
use tempfile::TempDir;

use server::{COMMIT, Server, Site};

/// A hub with a client that has an empty cache.
struct Setup {
    server: Server,
    config: HubConfig,
    cache: TempDir,
}

impl Setup {
    fn new(site: Site) -> Self {
        let (server, cache) = (Server::start(site), tempfile::tempdir().unwrap());
        let config = HubConfig { endpoint: server.endpoint(), ..HubConfig::new(cache.path()) };
        Self { server, config, cache }
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join("models--org--name")
    }

    fn snapshot(&self) -> PathBuf {
        self.folder().join("snapshots").join(COMMIT)
    }

    /// What a user does.
    fn fetch(&self, spec: &str) -> Result<PathBuf, HubError> {
        let source: ModelSource = spec.parse()?;
        source.fetch(&self.config, &mut |_| ControlFlow::Continue(()))
    }

    /// Asks the hub whatever the cache has.
    fn download(&self) -> Result<PathBuf, HubError> {
        download(&repo("org/name"), &self.config, &mut |_| ControlFlow::Continue(()))
    }

    /// The error of a download, which must leave nothing that looks whole.
    fn failure(&self) -> HubError {
        let error = self.fetch("org/name").unwrap_err();
        let source: ModelSource = "org/name".parse().unwrap();
        assert!(source.locate(&self.config).is_err());
        error
    }

    /// What was asked since the last call, as `GET file` or `GET file from 100`.
    fn requests(&self) -> Vec<String> {
        let requests = self.server.requests();
        let line = |request: &server::Request| {
            let file = request.path.rsplit('/').next().unwrap();
            let range = request.range.as_deref().unwrap_or_default();
            let range = range.replace("bytes=", " from ").replace('-', "");
            format!("{} {file}{range}", request.method)
        };
        requests.iter().map(line).collect()
    }
}

fn repo(spec: &str) -> HubRepo {
    match spec.parse().unwrap() {
        ModelSource::Hub(repo) => repo,
        ModelSource::Path(path) => panic!("{} exists", path.display()),
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
