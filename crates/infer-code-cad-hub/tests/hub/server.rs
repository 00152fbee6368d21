//! A hub on the loopback device: its paths, headers and redirects, and its ways to fail.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

pub(crate) const REPO: &str = "org/name";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server has and how it misbehaves. Safetensors and parquet are large files: they have a SHA-256 and
/// lie behind a redirect to another host.
#[derive(Default)]
pub(crate) struct Site {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Listed, but answered with 404.
    pub(crate) withheld: Vec<String>,
    /// Needed to read files, not to list them.
    pub(crate) token: Option<String>,
    /// Bodies are cut after so many bytes of the file, one entry per request.
    pub(crate) cuts: Vec<usize>,
    /// Sends nothing for so long after half a body, once.
    pub(crate) stall: Option<Duration>,
    /// Takes the place of the true checksum of safetensors.
    pub(crate) etag: Option<String>,
    /// Takes the place of the true size of safetensors.
    pub(crate) size: Option<u64>,
    /// Whether the whole file comes whatever range is asked for.
    pub(crate) ignores_range: bool,
    /// Status line and headers for every request whose path has the prefix.
    pub(crate) status: Option<(&'static str, &'static str)>,
    /// Body of the description, in place of the true one.
    pub(crate) info: Option<String>,
    /// What was asked, in order.
    pub(crate) log: Vec<Request>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) authorization: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Server {
    port: u16,
    site: Arc<Mutex<Site>>,
}

impl Server {
    pub(crate) fn start(site: Site) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, site: Arc::new(Mutex::new(site)) };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                // A client that hangs up is no failure of the server.
                thread::spawn(move || drop(server.answer(stream)));
            }
        });
        server
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
    }

    /// What was asked since the last call.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.site().log)
    }

    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut request = Request { method, path, range: None, authorization: None };
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            match header.trim().split_once(": ") {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                    request.range = Some(value.to_owned());
                }
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                    request.authorization = Some(value.to_owned());
                }
                Some(_) => {}
            }
        }
        self.site().log.push(request.clone());
        self.route(&request, stream)
    }

    fn route(&self, request: &Request, mut stream: TcpStream) -> std::io::Result<()> {
        let path = request.path.as_str();
        let status = self.site().status;
        if let Some((prefix, head)) = status
            && path.starts_with(prefix)
        {
            return empty(&mut stream, head);
        }
        for kind in ["models", "datasets"] {
            if let Some(revision) = path.strip_prefix(&format!("/api/{kind}/{REPO}/revision/")) {
                return self.describe(revision, stream);
            }
        }
        let file = path.split_once(&format!("/{COMMIT}/")).or(path.split_once("/storage/"));
        let file = file.map_or("", |(_, file)| file).to_owned();
        let known = self.site().files.contains_key(&file) && !self.site().withheld.contains(&file);
        let resolve = path.contains(&format!("/{REPO}/resolve/{COMMIT}/"));
        if resolve && self.is_locked(request) {
            let head = "401 Unauthorized\r\nx-error-code: GatedRepo\r\n\
                        x-error-message: Access to model org/name is restricted.";
            empty(&mut stream, head)
        } else if !known {
            let head = "404 Not Found\r\nx-error-code: EntryNotFound";
            empty(&mut stream, head)
        } else if resolve && is_large(&file) {
            let (etag, size) = self.announced(&file);
            let head = format!(
                "302 Found\r\nLocation: http://localhost:{}/storage/{file}\r\nx-repo-commit: {COMMIT}\r\n\
                 x-linked-etag: \"{etag}\"\r\nx-linked-size: {size}\r\nETag: \"of-the-redirect\"",
                self.port
            );
            empty(&mut stream, &head)
        } else if resolve {
            let location = format!("/api/resolve-cache/models/{REPO}/{COMMIT}/{file}");
            let head = format!("307 Temporary Redirect\r\nLocation: {location}");
            empty(&mut stream, &head)
        } else {
            self.send(request, &file, stream)
        }
    }

    fn is_locked(&self, request: &Request) -> bool {
        let token = self.site().token.as_ref().map(|token| format!("Bearer {token}"));
        token.is_some() && token != request.authorization
    }

    fn describe(&self, revision: &str, mut stream: TcpStream) -> std::io::Result<()> {
        if ![COMMIT, "main", "feature%2Fone"].contains(&revision) {
            let head = "404 Not Found\r\nx-error-code: RevisionNotFound";
            return empty(&mut stream, head);
        }
        let site = self.site();
        let siblings: Vec<_> =
            site.files.keys().map(|name| serde_json::json!({ "rfilename": name })).collect();
        let info = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
        let info = site.info.clone().unwrap_or(info);
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{info}",
            info.len()
        )
    }

    fn announced(&self, file: &str) -> (String, u64) {
        let site = self.site();
        let bytes = &site.files[file];
        let (etag, size) = (etag(file, bytes), bytes.len() as u64);
        match is_large(file) {
            true => (site.etag.clone().unwrap_or(etag), site.size.unwrap_or(size)),
            false => (etag, size),
        }
    }

    fn send(&self, request: &Request, file: &str, mut stream: TcpStream) -> std::io::Result<()> {
        let bytes = self.site().files[file].clone();
        let ignores_range = self.site().ignores_range;
        let start = request.range.as_ref().filter(|_| !ignores_range).map(|range| {
            let start = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap();
            start.parse::<usize>().unwrap()
        });
        match start {
            None => write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n")?,
            Some(start) => write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Range: bytes {start}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            )?,
        }
        let start = start.unwrap_or(0);
        let etag = self.announced(file).0;
        let length = bytes.len() - start;
        write!(stream, "ETag: W/\"{etag}\"\r\nContent-Length: {length}\r\n\r\n")?;
        if request.method == "HEAD" {
            return Ok(());
        }
        let mut end = bytes.len();
        if is_large(file) && !self.site().cuts.is_empty() {
            end = self.site().cuts.remove(0).max(start);
        }
        let stall = self.site().stall.take_if(|_| is_large(file));
        if let Some(pause) = stall {
            let middle = start.midpoint(end);
            stream.write_all(&bytes[start..middle])?;
            thread::sleep(pause);
            return Ok(());
        }
        stream.write_all(&bytes[start..end])
    }
}

/// An answer without a body.
fn empty(stream: &mut TcpStream, head: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

pub(crate) fn is_large(file: &str) -> bool {
    file.ends_with(".safetensors") || file.ends_with(".parquet")
}

/// SHA-256 of a large file, git's name of a small one.
pub(crate) fn etag(file: &str, bytes: &[u8]) -> String {
    let mut digest = Context::new(if is_large(file) { &SHA256 } else { &SHA1_FOR_LEGACY_USE_ONLY });
    if !is_large(file) {
        digest.update(format!("blob {}\0", bytes.len()).as_bytes());
    }
    digest.update(bytes);
    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a small model.
pub(crate) fn fixture(name: &str) -> BTreeMap<String, Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infer-code-cad-checkpoint/tests/fixtures")
        .join(name);
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// A repository with one weights file of 1 MiB, so that its transfer can be seen halfway.
pub(crate) fn megabyte() -> BTreeMap<String, Vec<u8>> {
    let mut state = 1_u32;
    let weights = (0..1 << 20).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    });
    BTreeMap::from([
        ("config.json".to_owned(), b"{}".to_vec()),
        ("model.safetensors".to_owned(), weights.collect()),
        ("README.md".to_owned(), b"not needed".to_vec()),
    ])
}
