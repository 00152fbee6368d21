use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo};

use crate::HubError;
use crate::cache::OPTIONAL;
use crate::client::{Client, RemoteFile};
use crate::shards::{INDEX, SINGLE, shards_of};
use crate::transfer::{Transfer, unwritable};
use crate::{DownloadCallback, DownloadProgress, HubConfig, HubRepo, is_commit};

const CONFIG: &str = "config.json";

/// Brings what a model needs of a repository into the cache, and gives the snapshot's directory.
///
/// Asks the hub which commit the revision is (one request), what each file's size and checksum are
/// (one per file), and fetches the files that the cache lacks. An interrupted download, even one by
/// `huggingface_hub`, goes on where it stopped. A file is used once its size and checksum are right.
///
/// Environment: the HTTP client follows `HTTPS_PROXY` and `NO_PROXY`.
///
/// # Errors
/// [`HubError::NotCached`] and [`HubError::IncompleteSnapshot`] when the configuration says
/// offline and the cache lacks something, [`HubError::HubAccess`], [`HubError::HubNotFound`],
/// [`HubError::HubStatus`], [`HubError::HubProtocol`], [`HubError::HubUnreachable`],
/// [`HubError::DownloadTruncated`], [`HubError::DownloadChecksum`],
/// [`HubError::DownloadInterrupted`] when `progress` breaks, [`HubError::CacheWrite`], and
/// [`HubError::MissingFile`] for a repository without configuration or safetensors, or
/// [`HubError::GgufOnly`] where it has GGUF instead.
pub fn download(
    repo: &HubRepo,
    config: &HubConfig,
    progress: &mut DownloadCallback<'_>,
) -> Result<PathBuf, HubError> {
    if config.offline {
        return repo.cached(config);
    }
    let client = Client::new(config, repo);
    let info = client.info()?;
    let listed = |name: &str| info.siblings.iter().any(|file| file.rfilename == name);
    let has_weights = listed(SINGLE) || listed(INDEX);
    if !has_weights {
        let names = info.siblings.iter().map(|file| file.rfilename.clone());
        no_gguf_only(&client, repo, names)?;
    }
    if !listed(CONFIG) || !has_weights {
        return Err(HubError::MissingFile {
            checkpoint: client.page(),
            file: if listed(CONFIG) { format!("{SINGLE} nor {INDEX}") } else { CONFIG.into() },
            remedy: "name a repository of safetensors, or fetch a .gguf file and give its path",
        });
    }
    let snapshot = Snapshot::create(&client, repo, config, info.sha)?;
    let mut names = vec![CONFIG.to_owned()];
    names.extend(OPTIONAL.iter().filter(|name| listed(name)).map(ToString::to_string));
    if listed(SINGLE) {
        names.push(SINGLE.into());
    } else {
        let index = snapshot.describe(INDEX)?;
        snapshot.bring(&index, &mut Totals::of(&[&index]), progress)?;
        names.extend(snapshot.shards()?);
    }
    snapshot.complete(&names, progress)?;
    for name in OPTIONAL.iter().filter(|name| !listed(name)) {
        repo.note_absent(&snapshot.directory, name, config)?;
    }
    Ok(snapshot.directory)
}

/// Names the GGUF files of a repository without safetensors, which are not fetched: a user wants one of them.
fn no_gguf_only(
    client: &Client<'_>,
    repo: &HubRepo,
    names: impl Iterator<Item = String>,
) -> Result<(), HubError> {
    let mut files: Vec<_> = names.filter(|name| name.ends_with(".gguf")).collect();
    files.sort();
    let Some(first) = files.first() else { return Ok(()) };
    let (name, revision) = (repo.name(), repo.revision());
    let remedy = match every_part(first) {
        None => format!(
            "run `hf download {name} {first} --revision {revision}` and give the path it prints"
        ),
        Some(parts) => format!(
            "run `hf download {name} --include '{parts}' --revision {revision}` and give the path of the \
             first part, {first}, in the folder it prints"
        ),
    };
    Err(HubError::GgufOnly { place: client.page(), files, remedy })
}

/// A pattern of all files of a model in several, of which one is called `NAME-00001-of-00003.gguf`.
fn every_part(file: &str) -> Option<String> {
    let (front, count) = file.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (name, part) = front.rsplit_once('-')?;
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(part) && is_number(count)).then(|| format!("{name}-*-of-{count}.gguf"))
}

/// The files of one commit in the cache, growing.
pub(crate) struct Snapshot<'a> {
    client: &'a Client<'a>,
    repo: &'a HubRepo,
    cache: CacheRepo,
    commit: String,
    pub(crate) directory: PathBuf,
    locks: PathBuf,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn create(
        client: &'a Client<'a>,
        repo: &'a HubRepo,
        config: &HubConfig,
        commit: String,
    ) -> Result<Self, HubError> {
        let named = repo.at(repo.revision());
        let locks = config.cache_dir.join(".locks").join(named.folder_name());
        let cache = Cache::new(config.cache_dir.clone()).repo(named);
        let directory = cache.pointer_path(&commit);
        for path in [&directory, &repo.folder(config).join("blobs"), &locks] {
            fs::create_dir_all(path).map_err(unwritable(path))?;
        }
        Ok(Self { client, repo, cache, commit, directory, locks })
    }

    fn describe(&self, name: &str) -> Result<RemoteFile, HubError> {
        self.client.describe(&self.commit, name)
    }

    /// Fetches a file and gives it its name.
    fn bring(
        &self,
        file: &RemoteFile,
        totals: &mut Totals,
        progress: &mut DownloadCallback<'_>,
    ) -> Result<(), HubError> {
        let transfer = Transfer {
            client: self.client,
            repo: self.repo,
            file,
            blob: self.cache.blob_path(&file.etag),
            lock: self.locks.join(format!("{}.lock", file.etag)),
        };
        transfer.run(&mut |file_bytes| {
            progress(&DownloadProgress {
                file: &file.name,
                file_bytes,
                file_size: file.size,
                bytes: totals.done + file_bytes,
                total: totals.all,
            })
        })?;
        totals.done += file.size;
        point(&self.directory, &file.name, &transfer.blob)
    }

    /// The files that the index names.
    fn shards(&self) -> Result<impl Iterator<Item = String> + use<>, HubError> {
        let path = self.directory.join(INDEX);
        let json = fs::read(&path).map_err(|source| HubError::Io { path, source })?;
        let shards = shards_of(&format!("{} of {}", INDEX, self.client.page()), &json)?;
        Ok(shards.into_iter().chain([INDEX.to_owned()]))
    }

    /// Fetches these files, and lets the revision point to the commit.
    pub(crate) fn complete(
        &self,
        names: &[String],
        progress: &mut DownloadCallback<'_>,
    ) -> Result<(), HubError> {
        let files = names.iter().map(|name| self.describe(name));
        let files: Vec<_> = files.collect::<Result<_, _>>()?;
        let mut totals = Totals::of(&files.iter().collect::<Vec<_>>());
        for file in &files {
            self.bring(file, &mut totals, progress)?;
        }
        self.name()
    }

    /// Lets the revision point to this commit, now that what was asked for is there.
    fn name(&self) -> Result<(), HubError> {
        if is_commit(self.repo.revision()) {
            return Ok(());
        }
        self.cache.create_ref(&self.commit).map_err(unwritable(&self.directory))
    }
}

/// Bytes of all files.
struct Totals {
    done: u64,
    all: u64,
}

impl Totals {
    fn of(files: &[&RemoteFile]) -> Self {
        // The sizes are the server's word: a sum that does not fit is shown as the largest.
        let all = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size));
        Self { done: 0, all }
    }
}

/// Makes `snapshots/COMMIT/NAME` point to `blobs/ETAG`; a name may lead through folders.
#[cfg(unix)]
fn point(directory: &Path, name: &str, blob: &Path) -> Result<(), HubError> {
    let pointer = folder_for(directory, name)?;
    let up = "../".repeat(1 + Path::new(name).components().count());
    let target = Path::new(&up).join("blobs").join(blob.file_name().unwrap_or_default());
    let is_link = fs::symlink_metadata(&pointer).is_ok();
    if is_link && fs::read_link(&pointer).is_ok_and(|old| old == target) {
        return Ok(());
    }
    if is_link {
        fs::remove_file(&pointer).map_err(unwritable(&pointer))?;
    }
    std::os::unix::fs::symlink(target, &pointer).map_err(unwritable(&pointer))
}

/// Moves the blob to `snapshots/COMMIT/NAME`, as `huggingface_hub` does where links need rights.
#[cfg(not(unix))]
fn point(directory: &Path, name: &str, blob: &Path) -> Result<(), HubError> {
    let pointer = folder_for(directory, name)?;
    fs::rename(blob, &pointer).map_err(unwritable(&pointer))
}

/// The path of a file of a snapshot, whose folder is there.
fn folder_for(directory: &Path, name: &str) -> Result<PathBuf, HubError> {
    let path = directory.join(name);
    let folder = path.parent().unwrap_or(directory);
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    Ok(path)
}
