use std::io::Read;

use hf_hub::api::RepoInfo;
use hf_hub::{Repo, RepoType};
use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderMap, Response};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, Error, RequestBuilder};

use crate::HubError;
use crate::repo::RepoKind;
use crate::{HubConfig, HubRepo, is_commit};

const MAX_REDIRECTS: u32 = 5;
/// Far above what a repository of a model lists.
const MAX_INFO_BYTES: u64 = 32 << 20;

/// Asks the hub. The token goes to the configured scheme, host and port only; a proxy is taken from where
/// programs are used to find it.
pub(crate) struct Client<'a> {
    agent: Agent,
    config: &'a HubConfig,
    repo: &'a HubRepo,
}

/// What the hub announces of a file.
#[derive(Debug)]
pub(crate) struct RemoteFile {
    pub(crate) name: String,
    /// Names the blob: SHA-256 of a large file, git's SHA-1 of a small one.
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) url: String,
}

impl<'a> Client<'a> {
    pub(crate) fn new(config: &'a HubConfig, repo: &'a HubRepo) -> Self {
        let patience = Some(config.timeout);
        let agent = Agent::config_builder()
            .user_agent(concat!("infer-code-cad/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::Never)
            .timeout_resolve(patience)
            .timeout_connect(patience)
            .timeout_recv_response(patience)
            .timeout_per_read(patience)
            .timeout_per_write(patience)
            .build();
        Self { agent: agent.into(), config, repo }
    }

    /// The repository's page.
    pub(crate) fn page(&self) -> String {
        format!("{}/{}", self.endpoint(), self.at(self.repo.revision()).url())
    }

    /// The commit of the revision, and the files it has.
    pub(crate) fn info(&self) -> Result<RepoInfo, HubError> {
        let url = format!("{}/api/{}", self.endpoint(), self.at(self.repo.revision()).api_url());
        let response = self.get(&url, 0)?;
        let mut response = self.check(&url, "repository and its revision", response)?;
        let body = response.body_mut().with_config().limit(MAX_INFO_BYTES).read_to_vec();
        let json = body.map_err(|error| self.failed(&url, &error))?;
        let info: RepoInfo = serde_json::from_slice(&json)
            .map_err(|error| protocol(&url, format!("no description of a repository, {error}")))?;
        if is_commit(&info.sha) {
            return Ok(info);
        }
        Err(protocol(&url, format!("{:?} is no commit", info.sha)))
    }

    /// Checksum and size of a file, told by the hub before it redirects to its storage.
    pub(crate) fn describe(&self, commit: &str, name: &str) -> Result<RemoteFile, HubError> {
        let repo = self.at(commit);
        let url =
            format!("{}/{}/resolve/{}/{name}", self.endpoint(), repo.url(), repo.url_revision());
        let mut hop = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let request = self.agent.head(&hop);
            let response = self.authorized(&hop, request).call();
            let response = response.map_err(|error| self.failed(&hop, &error))?;
            let linked = header(response.headers(), "x-linked-etag").is_some();
            if response.status().is_redirection() && !linked {
                hop = next_hop(&hop, response.headers())?;
                continue;
            }
            let response = match linked {
                true => response,
                false => self.check(&url, "file", response)?,
            };
            return remote(name, url, response.headers());
        }
        Err(protocol(&url, "it redirects without end".into()))
    }

    /// The bytes of a file from `start` on, and where they really start.
    pub(crate) fn body(
        &self,
        file: &RemoteFile,
        start: u64,
    ) -> Result<(u64, impl Read + use<>), HubError> {
        let response = self.check(&file.url, "file", self.get(&file.url, start)?)?;
        let start = match response.status().as_u16() {
            206 => {
                let range = header(response.headers(), "content-range").unwrap_or_default();
                if !range.starts_with(&format!("bytes {start}-")) {
                    let reason = format!("bytes from {start} on were asked for, {range:?} came");
                    return Err(protocol(&file.url, reason));
                }
                start
            }
            _ => 0,
        };
        Ok((start, response.into_body().into_reader()))
    }

    /// What failed between here and the hub.
    pub(crate) fn failed(&self, url: &str, error: &Error) -> HubError {
        match error {
            Error::BadUri(_)
            | Error::Http(_)
            | Error::Protocol(_)
            | Error::TooManyRedirects
            | Error::BodyExceedsLimit(_)
            | Error::LargeResponseHeader(..) => protocol(url, error.to_string()),
            _ => HubError::HubUnreachable {
                url: url.into(),
                endpoint: self.config.endpoint.clone(),
                reason: error.to_string(),
            },
        }
    }

    fn endpoint(&self) -> &str {
        self.config.endpoint.trim_end_matches('/')
    }

    fn at(&self, revision: &str) -> Repo {
        self.repo.at(revision)
    }

    /// Gets `url` from byte `start` on. Redirects are followed here, because the token must be judged
    /// anew for each.
    fn get(&self, url: &str, start: u64) -> Result<Response<Body>, HubError> {
        let mut hop = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.agent.get(&hop);
            if start > 0 {
                request = request.header("range", format!("bytes={start}-"));
            }
            let response = self.authorized(&hop, request).call();
            let response = response.map_err(|error| self.failed(&hop, &error))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            hop = next_hop(&hop, response.headers())?;
        }
        Err(protocol(url, "it redirects without end".into()))
    }

    /// Adds the token, for the configured server only.
    fn authorized(
        &self,
        url: &str,
        request: RequestBuilder<WithoutBody>,
    ) -> RequestBuilder<WithoutBody> {
        match &self.config.token {
            Some(token) if origin(url) == origin(self.endpoint()) => {
                request.header("authorization", format!("Bearer {token}"))
            }
            _ => request,
        }
    }

    fn check(
        &self,
        url: &str,
        what: &'static str,
        response: Response<Body>,
    ) -> Result<Response<Body>, HubError> {
        let status = response.status();
        let message = header(response.headers(), "x-error-message")
            .or(status.canonical_reason())
            .unwrap_or("no reason given")
            .to_owned();
        match status.as_u16() {
            200..=299 => Ok(response),
            status @ (401 | 403) => Err(HubError::HubAccess { url: self.page(), status, message }),
            404 => Err(HubError::HubNotFound { url: url.into(), what }),
            status => Err(HubError::HubStatus { url: url.into(), status, message }),
        }
    }
}

fn remote(name: &str, url: String, headers: &HeaderMap) -> Result<RemoteFile, HubError> {
    let either = |first, second| header(headers, first).or_else(|| header(headers, second));
    let etag = either("x-linked-etag", "etag").unwrap_or_default();
    let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
    // It becomes a file name.
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if etag.is_empty() || etag.len() > 128 || !etag.bytes().all(is_safe) {
        return Err(protocol(&url, format!("{etag:?} is no ETag")));
    }
    let size = either("x-linked-size", "content-length").and_then(|size| size.parse().ok());
    match size {
        Some(size) => Ok(RemoteFile { name: name.into(), etag, size, url }),
        None => Err(protocol(&url, "it tells no size".into())),
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Where a redirect leads.
fn next_hop(url: &str, headers: &HeaderMap) -> Result<String, HubError> {
    match header(headers, "location") {
        Some(path) if path.starts_with('/') => Ok(format!("{}{path}", origin(url))),
        Some(absolute) if absolute.starts_with("http") => Ok(absolute.into()),
        other => Err(protocol(url, format!("it redirects to {other:?}"))),
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end])
}

impl HubRepo {
    /// The repository as `hf_hub` names it, at a revision.
    pub(crate) fn at(&self, revision: &str) -> Repo {
        let kind = match self.kind {
            RepoKind::Model => RepoType::Model,
            RepoKind::Dataset => RepoType::Dataset,
        };
        Repo::with_revision(self.name.clone(), kind, revision.into())
    }
}

pub(crate) fn protocol(url: &str, reason: String) -> HubError {
    HubError::HubProtocol { url: url.into(), reason }
}
