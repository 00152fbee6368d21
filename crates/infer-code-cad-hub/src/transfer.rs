use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use crate::HubError;
use crate::HubRepo;
use crate::client::{Client, RemoteFile, protocol};

const CHUNK: usize = 256 << 10;

/// Told how many bytes of the file are there.
pub(crate) type Report<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// One file on its way into the cache.
pub(crate) struct Transfer<'a> {
    pub(crate) client: &'a Client<'a>,
    pub(crate) repo: &'a HubRepo,
    pub(crate) file: &'a RemoteFile,
    /// Where the file will be, `blobs/ETAG`.
    pub(crate) blob: PathBuf,
    /// Keeps other processes from writing the same part; huggingface_hub locks the same file.
    pub(crate) lock: PathBuf,
}

impl Transfer<'_> {
    /// Brings the file into the cache unless it is there. It grows as `ETAG.incomplete`, where a
    /// later call resumes it, and moves into place once its size and checksum are right.
    pub(crate) fn run(&self, report: &mut Report<'_>) -> Result<(), HubError> {
        if self.is_there() {
            return self.told(report(self.file.size));
        }
        let _lock = self.lock(report)?;
        if self.is_there() {
            return self.told(report(self.file.size));
        }
        let path = self.blob.with_file_name(format!("{}.incomplete", self.file.etag));
        let mut part = Part::open(path)?;
        if part.len > self.file.size {
            part.restart()?;
        }
        self.told(report(part.len))?;
        while part.len < self.file.size {
            let before = part.len;
            match self.extend(&mut part, report) {
                // Whoever sent something may send the rest.
                Err(HubError::DownloadTruncated { .. } | HubError::HubUnreachable { .. })
                    if part.len > before =>
                {
                    tracing::debug!(file = self.file.name, bytes = part.len, "resuming");
                }
                outcome => outcome?,
            }
        }
        self.verify(&mut part, report)?;
        part.move_to(&self.blob)
    }

    fn is_there(&self) -> bool {
        fs::metadata(&self.blob).is_ok_and(|blob| blob.len() == self.file.size)
    }

    /// One request for all that is missing.
    fn extend(&self, part: &mut Part, report: &mut Report<'_>) -> Result<(), HubError> {
        let (start, mut body) = self.client.body(self.file, part.len)?;
        if start < part.len {
            part.restart()?;
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let n = match body.read(&mut chunk) {
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
                Err(error) => return Err(self.client.failed(&self.file.url, &error.into())),
            };
            if part.len + n as u64 > self.file.size {
                let reason = format!("{} is longer than announced", self.file.name);
                return Err(protocol(&self.client.page(), reason));
            }
            if n == 0 {
                return self.ended(part.len);
            }
            part.append(&chunk[..n])?;
            self.told(report(part.len))?;
        }
    }

    fn ended(&self, actual: u64) -> Result<(), HubError> {
        let (repo, file) = (self.repo.name().to_owned(), self.file.name.clone());
        match self.file.size {
            expected if expected == actual => Ok(()),
            expected => Err(HubError::DownloadTruncated { repo, file, expected, actual }),
        }
    }

    /// Compares what is on disk with the ETag, where that is a checksum.
    fn verify(&self, part: &mut Part, report: &mut Report<'_>) -> Result<(), HubError> {
        let mut digest = match self.file.etag.len() {
            64 => Context::new(&SHA256),
            // What git calls the file: not proof against forgery, but against accidents.
            40 => {
                let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                digest.update(format!("blob {}\0", self.file.size).as_bytes());
                digest
            }
            _ => return Ok(()),
        };
        part.read_back(&mut |chunk| {
            digest.update(chunk);
            self.told(report(self.file.size))
        })?;
        let actual: String = digest.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect();
        if actual.eq_ignore_ascii_case(&self.file.etag) {
            return Ok(());
        }
        part.remove()?;
        Err(HubError::DownloadChecksum {
            repo: self.repo.name().into(),
            file: self.file.name.clone(),
            expected: self.file.etag.clone(),
            actual,
        })
    }

    fn lock(&self, report: &mut Report<'_>) -> Result<File, HubError> {
        let options = OpenOptions::new().create(true).append(true).clone();
        let file = options.open(&self.lock).map_err(unwritable(&self.lock))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    self.told(report(0))?;
                    thread::sleep(Duration::from_millis(100));
                }
                // A file system without locks: should two writers meet, the checksum tells.
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(%error, "cannot lock {}", self.lock.display());
                    return Ok(file);
                }
            }
        }
    }

    fn told(&self, flow: ControlFlow<()>) -> Result<(), HubError> {
        match flow {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(HubError::DownloadInterrupted { repo: self.repo.name().into() })
            }
        }
    }
}

/// A file that grows until it is whole.
struct Part {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Part {
    fn open(path: PathBuf) -> Result<Self, HubError> {
        let options = OpenOptions::new().create(true).read(true).append(true).clone();
        let file = options.open(&path).map_err(unwritable(&path))?;
        let len = file.metadata().map_err(unwritable(&path))?.len();
        Ok(Self { path, file, len })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        self.file.write_all(bytes).map_err(unwritable(&self.path))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn restart(&mut self) -> Result<(), HubError> {
        self.len = 0;
        self.file.set_len(0).map_err(unwritable(&self.path))
    }

    fn read_back(
        &mut self,
        see: &mut dyn FnMut(&[u8]) -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        let unreadable = |path: &Path, source| HubError::Io { path: path.into(), source };
        self.file.rewind().map_err(|e| unreadable(&self.path, e))?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match self.file.read(&mut chunk).map_err(|e| unreadable(&self.path, e))? {
                0 => return Ok(()),
                n => see(&chunk[..n])?,
            }
        }
    }

    fn remove(&self) -> Result<(), HubError> {
        fs::remove_file(&self.path).map_err(unwritable(&self.path))
    }

    fn move_to(self, path: &Path) -> Result<(), HubError> {
        self.file.sync_all().map_err(unwritable(&self.path))?;
        fs::rename(&self.path, path).map_err(unwritable(path))
    }
}

pub(crate) fn unwritable(path: &Path) -> impl Fn(io::Error) -> HubError + use<> {
    let path = path.to_owned();
    move |source| HubError::CacheWrite { path: path.clone(), source }
}
