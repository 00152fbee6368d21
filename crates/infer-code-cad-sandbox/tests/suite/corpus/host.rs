//! What of the host programs might reach, and whether they did.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::programs;

/// Things of the host for programs to touch.
pub(super) struct Host {
    /// A directory that all may write, with files that all may read or write.
    canary: PathBuf,
    /// A process that does nothing.
    victim: Mutex<Child>,
    /// On the loopback device.
    listener: TcpListener,
    /// On a path, and under the same text as an abstract name.
    sockets: Vec<UnixListener>,
    socket: String,
    before: State,
    /// What of this kind was there before.
    traces: Vec<PathBuf>,
    grown: Grown,
    directory: tempfile::TempDir,
}

impl Host {
    pub(super) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("host-").tempdir().unwrap();
        let open = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        open(directory.path(), 0o777);
        fs::create_dir(directory.path().join("scratch")).unwrap();
        open(&directory.path().join("scratch"), 0o755);
        let canary = directory.path().join("canary");
        fs::create_dir_all(canary.join("empty")).unwrap();
        for (name, mode) in [("secret", 0o644), ("writable", 0o666)] {
            fs::write(canary.join(name), "of the host\n").unwrap();
            open(&canary.join(name), mode);
        }
        open(&canary, 0o777);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let path = directory.path().join("socket");
        let socket = path.to_str().unwrap().to_owned();
        let mut sockets = vec![UnixListener::bind(&path).unwrap()];
        open(&path, 0o777);
        sockets.extend(abstract_socket(&socket));
        sockets.iter().for_each(|socket| socket.set_nonblocking(true).unwrap());
        let victim = Command::new("sleep").arg("100000").spawn().unwrap();
        let before = State::of(&canary, victim.id());
        let (grown, traces, victim) = (Grown::now(), traces(), Mutex::new(victim));
        Self { canary, victim, listener, sockets, socket, before, traces, grown, directory }
    }

    /// A directory for the sandbox, with nothing else in it.
    pub(super) fn scratch(&self) -> PathBuf {
        self.directory.path().join("scratch")
    }

    /// Puts the host's things where a text names them.
    pub(super) fn fill(&self, text: &str) -> String {
        if !text.contains('@') {
            return text.to_owned();
        }
        let port = self.listener.local_addr().unwrap().port();
        text.replace("@CANARY@", self.canary.to_str().unwrap())
            .replace("@CORPUS@", programs::directory().to_str().unwrap())
            .replace("@VICTIM@", &self.victim.lock().unwrap().id().to_string())
            .replace("@PORT@", &port.to_string())
            .replace("@SOCKET@", &self.socket)
            .replace("@NUL@", "\0")
            .replace("@MEGABYTE@", &"x".repeat(1 << 20))
            .replace("@NESTED@", &"(".repeat(100_000))
    }

    /// What a program has done to the host.
    pub(super) fn touched(&self, never: &[String]) -> Vec<String> {
        let mut found: Vec<_> = never.iter().filter_map(|never| self.there(never)).collect();
        let made = traces().into_iter().filter(|path| !self.traces.contains(path));
        found.extend(made.map(|path| format!("made {}", path.display())));
        if !matches!(self.listener.accept(), Err(error) if is_silent(&error)) {
            found.push("reached the loopback device".to_owned());
        }
        for socket in &self.sockets {
            if !matches!(socket.accept(), Err(error) if is_silent(&error)) {
                found.push("reached a unix socket".to_owned());
            }
        }
        let mut victim = self.victim.lock().unwrap();
        if let Ok(Some(status)) = victim.try_wait() {
            found.push(format!("ended a process: {status}"));
            *victim = Command::new("sleep").arg("100000").spawn().unwrap();
            return found; // the state has another process
        }
        let after = State::of(&self.canary, victim.id());
        if after.files != self.before.files {
            found.push(format!("changed files: {:?}, before {:?}", after.files, self.before.files));
        }
        if after.process != self.before.process && after.id == self.before.id {
            found.push(format!(
                "changed a process: {:?}, before {:?}",
                after.process, self.before.process
            ));
        }
        if after.ipc != self.before.ipc {
            found.push(format!("left System V objects: {:?}", after.ipc));
        }
        found
    }

    /// A line if what must not be is there: `file PATH` or `process NAME`.
    fn there(&self, never: &str) -> Option<String> {
        let (kind, name) = never.split_once(' ').expect(never);
        let name = self.fill(name);
        let is_there = match kind {
            "file" => Path::new(&name).symlink_metadata().is_ok(),
            "process" => commands().contains(&name),
            _ => panic!("no program has never: {never:?}"),
        };
        is_there.then(|| format!("there is now a {kind} {name}"))
    }

    /// What is left of a sandbox that was dropped. Only where this process does nothing else.
    pub(super) fn grown(&self) -> Vec<String> {
        let mut now = Grown::now();
        for _ in 0..30 {
            if now.fits(&self.grown) && listed(&self.scratch()).is_empty() {
                return Vec::new();
            }
            thread::sleep(Duration::from_millis(100)); // a worker may be on its way out
            now = Grown::now();
        }
        let scratch = listed(&self.scratch());
        vec![format!("there is still {scratch:?}, and now {now:?}; before, {:?}", self.grown)]
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let victim = self.victim.get_mut().unwrap();
        let _already_gone = victim.kill();
        let _already_gone = victim.wait();
    }
}

#[cfg(target_os = "linux")]
fn abstract_socket(name: &str) -> Option<UnixListener> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
    Some(UnixListener::bind_addr(&address).unwrap())
}

#[cfg(not(target_os = "linux"))]
fn abstract_socket(_: &str) -> Option<UnixListener> {
    None
}

/// What can be seen of the canary, of the victim and of the system.
#[derive(Debug, PartialEq)]
struct State {
    files: Vec<String>,
    id: u32,
    process: Vec<String>,
    ipc: Vec<usize>,
}

impl State {
    fn of(canary: &Path, id: u32) -> Self {
        let mut files: Vec<_> = listed(canary)
            .into_iter()
            .chain([canary.to_owned()])
            .map(|path| about(&path))
            .collect();
        files.sort();
        let stat = read(&format!("/proc/{id}/stat"));
        // Behind the name: 16 fields on, the priority and the nice value.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let mut process: Vec<_> =
            fields.iter().skip(15).take(2).map(|field| (*field).to_owned()).collect();
        process.push(read(&format!("/proc/{id}/limits")));
        let status = read(&format!("/proc/{id}/status"));
        process.extend(
            status.lines().filter(|line| line.starts_with("Cpus_allowed:")).map(str::to_owned),
        );
        let ipc = ["shm", "sem", "msg"].map(|kind| {
            let own = read(&format!("/proc/sysvipc/{kind}"));
            // 0x1CC is the key that the corpus uses.
            own.lines().filter(|line| line.split_whitespace().next() == Some("460")).count()
        });
        Self { files, id, process, ipc: ipc.to_vec() }
    }
}

/// What would be a leak.
#[derive(Debug)]
struct Grown {
    descriptors: usize,
    processes: usize,
    mounts: usize,
}

impl Grown {
    fn now() -> Self {
        Self {
            descriptors: listed(Path::new("/proc/self/fd")).len(),
            processes: descendants(),
            mounts: read("/proc/self/mounts").lines().count(),
        }
    }

    fn fits(&self, before: &Self) -> bool {
        self.descriptors <= before.descriptors
            && self.processes <= before.processes
            && self.mounts <= before.mounts
    }
}

/// Files of the corpus' programs in places where all may write, or root.
fn traces() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = [
        "/",
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/dev/mqueue",
        "/run",
        "/etc",
        "/root",
        "/usr",
        "/var",
    ]
    .map(PathBuf::from)
    .to_vec();
    places.extend([std::env::temp_dir(), programs::directory()]);
    places.extend(std::env::var_os("HOME").map(PathBuf::from));
    places.extend(std::env::current_dir());
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("icc-") || name.starts_with(".icc-")
    };
    places.iter().flat_map(|place| listed(place)).filter(ours).collect()
}

fn listed(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// All that can be told of a file but when it was read.
fn about(path: &Path) -> String {
    let Ok(of) = path.symlink_metadata() else { return format!("{} is gone", path.display()) };
    let content = if of.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
    format!(
        "{} {:o} {}:{} {} {}.{} {:?}",
        path.display(),
        of.mode(),
        of.uid(),
        of.gid(),
        of.len(),
        of.mtime(),
        of.mtime_nsec(),
        String::from_utf8_lossy(&content)
    )
}

/// The names of all processes.
fn commands() -> Vec<String> {
    let names = listed(Path::new("/proc")).into_iter().map(|process| process.join("comm"));
    names
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

/// How many processes this one has below itself, those that only wait to be seen off left out.
fn descendants() -> usize {
    let stats = listed(Path::new("/proc")).into_iter().filter_map(|process| {
        let stat = fs::read_to_string(process.join("stat")).ok()?;
        let id: u32 = process.file_name()?.to_str()?.parse().ok()?;
        let mut fields = stat.rsplit(')').next()?.split_whitespace();
        let state = fields.next()?.to_owned();
        Some((id, state, fields.next()?.parse::<u32>().ok()?))
    });
    let stats: Vec<_> = stats.collect();
    let (mut family, mut known) = (vec![std::process::id()], 0);
    while known < family.len() {
        let parent = family[known];
        known += 1;
        family.extend(
            stats.iter().filter(|stat| stat.2 == parent && stat.1 != "Z").map(|stat| stat.0),
        );
    }
    known - 1
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn is_silent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
