//! A PostgreSQL of one's own on loopback, from the folder of its programs that `INFER_CODE_CAD_POSTGRES` names.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Whom PostgreSQL runs as where root starts it, which it refuses to run as: nobody.
const NOBODY: u32 = 65534;

/// A server that ends with the value.
pub(crate) struct Server {
    programs: PathBuf,
    place: TempDir,
    port: u16,
}

impl Server {
    /// A new server; `None`, said by name, where the variable is not set.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = std::env::var_os("INFER_CODE_CAD_POSTGRES") else {
            eprintln!("skipped: INFER_CODE_CAD_POSTGRES names no folder with initdb and pg_ctl");
            return None;
        };
        let place = tempfile::tempdir().unwrap();
        if is_root(&place) {
            chown(place.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { programs: programs.into(), place, port };
        server.program(
            "initdb",
            &["-D", "data", "-U", "tester", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
        );
        server.resume();
        Some(server)
    }

    /// How to reach it.
    pub(crate) fn address(&self) -> String {
        format!("host=127.0.0.1 port={} user=tester dbname=postgres", self.port)
    }

    /// As a power cut would.
    pub(crate) fn kill(&self) {
        self.program("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"]);
    }

    /// Starts it again, with what it had kept.
    pub(crate) fn resume(&self) {
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        self.program(
            "pg_ctl",
            &["-D", "data", "-l", "log", "-o", &options, "-w", "-t", "120", "start"],
        );
    }

    fn program(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(name));
        command.args(arguments).current_dir(self.place.path());
        if is_root(&self.place) {
            command.uid(NOBODY).gid(NOBODY);
        }
        // A file, not a pipe: the server keeps it open.
        let said = self.place.path().join("said");
        let file = fs::File::create(&said).unwrap();
        let status =
            command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).status();
        let said = || fs::read_to_string(&said).unwrap_or_default();
        let status = status.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(status.success(), "{name}: {}", said());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.place.path().join("data/postmaster.pid").exists() {
            self.kill();
        }
    }
}

/// Whether the tests run as root: what they make is root's.
fn is_root(place: &TempDir) -> bool {
    let owner = place.path().metadata().unwrap().uid();
    owner == 0 || owner == NOBODY
}
