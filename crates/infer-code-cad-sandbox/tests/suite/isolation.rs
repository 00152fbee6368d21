//! The tiers: each sets up its layers and tries what it forbids, as root and as an ordinary user, and
//! refuses where the system lacks a layer.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use infer_code_cad_sandbox::{
    Guarantee, Limits, Sandbox, SandboxConfig, SandboxError, Tier, Verdict,
};

use crate::common::judge;

const PYTHON: &str = "/usr/bin/python3"; // one that every user can read
const USER: &str = "12345";
const SHUT: [Tier; 3] = [Tier::Full, Tier::Container, Tier::NoUserns];

/// An interpreter for which system calls answer as if the system did not have them: it puts a seccomp
/// filter before itself.
const LACKING: &str = r#"#!/usr/bin/python3 -SB
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0)]
for number in NUMBERS:
    code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50000 + ERROR)]
code += [(0x15, 0, 3, CLONE), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), (0x06, 0, 0, 0x50001)]
code += [(0x06, 0, 0, 0x7FFF0000)]
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
program = struct.pack("@HP", len(code), ctypes.addressof(text))
libc = ctypes.CDLL(None, use_errno=True)
longs = [ctypes.c_ulong(value) for value in (1, 0, 0, 0)]
assert libc.prctl(38, *longs) == 0 and libc.prctl(22, 2, program) == 0, ctypes.get_errno()
os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv[1:])
"#;

fn start(python: &Path, tier: Tier) -> Result<Sandbox, SandboxError> {
    let python = python.to_owned();
    Sandbox::start(&SandboxConfig { workers: 1, python, tier, ..SandboxConfig::default() })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn python_or_say(name: &str) -> Option<PathBuf> {
    let python = PathBuf::from(PYTHON);
    if !python.exists() {
        eprintln!("{name}: not run, it needs {PYTHON}");
        return None;
    }
    Some(python)
}

/// Whether the tier holds; a line says so where the system lacks a layer.
fn hold(name: &str, python: &Path, tier: Tier) -> bool {
    let sandbox = match start(python, tier) {
        Ok(sandbox) => sandbox,
        Err(SandboxError::Isolation { layer, answer, .. }) => {
            eprintln!("{name}: {tier} not tried, the system lacks {layer}: {answer}");
            return false;
        }
        Err(error) => panic!("{tier}: {error}"),
    };
    let isolation = sandbox.isolation();
    for guarantee in Guarantee::ALL {
        let tried = isolation.tried.get(guarantee.as_str()).copied().unwrap_or_default();
        assert!(tried > 0, "{tier}: nothing was tried against {guarantee}: {isolation:?}");
    }
    let own_user = tier == Tier::Full || is_root();
    assert_eq!(isolation.layers.contains_key("user"), own_user, "{isolation:?}");
    let text = isolation.to_string();
    assert!(text.starts_with(&format!("{tier} (")) && text.contains("landlock "), "{text}");
    let program = "import os, tempfile\n\
        def f(n):\n    \
            with tempfile.TemporaryFile() as file: return file.write(bytes(n))";
    let report = judge(&sandbox, program, "assert f(3) == 3", &Limits::default());
    assert_eq!((report.verdict, report.tier), (Verdict::Passed, Some(tier)), "{report:?}");
    true
}

#[test]
fn every_tier_holds() {
    let Some(python) = python_or_say("every_tier_holds") else { return };
    for tier in SHUT {
        hold("every_tier_holds", &python, tier);
    }
    let bare = start(&python, Tier::None).unwrap();
    assert_eq!(bare.isolation().to_string(), "none (limits)");
    assert!(bare.isolation().tried.is_empty());
}

/// As root: `every_tier_holds` once more, in a copy of this binary that another user can reach.
#[test]
fn every_tier_holds_for_an_ordinary_user() {
    let name = "every_tier_holds_for_an_ordinary_user";
    let Some(_) = python_or_say(name) else { return };
    if !is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("{name}: not run, it needs root and setpriv");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = home.path().join("suite");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid", USER, "--regid", USER, "--clear-groups"])
        .arg(&copy)
        .args(["--exact", "isolation::every_tier_holds", "--nocapture"])
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    eprintln!("{text}");
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// An interpreter that lacks system calls, answering with `error`, and its directory.
fn lacking(calls: &[libc::c_long], error: i32) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let python = home.path().join("python");
    let text = LACKING
        .replace("NUMBERS", &format!("{calls:?}"))
        .replace("ERROR", &error.to_string())
        .replace("CLONE", &libc::SYS_clone.to_string());
    fs::write(&python, text).unwrap();
    for path in [home.path(), &python] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (home, python)
}

/// Asserts that a tier is refused for want of a layer.
fn refuse(python: &Path, tier: Tier, expected: &str, name: &str) {
    match start(python, tier) {
        Err(SandboxError::Isolation { tier: told, layer, answer, remedy }) => {
            assert_eq!((told, layer.as_str()), (tier, expected), "{answer}");
            assert!(answer.contains(name), "{answer}");
            assert!(!remedy.is_empty());
        }
        Err(error) => panic!("{tier}: {error}"),
        Ok(_) => panic!("{tier} was had without {expected}"),
    }
}

/// What a container's default profile leaves.
#[test]
fn a_container_has_its_tier_and_not_the_full_one() {
    let name = "a_container_has_its_tier_and_not_the_full_one";
    let Some(_) = python_or_say(name) else { return };
    let calls = [
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_mount_setattr,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
    ];
    let (_home, python) = lacking(&calls, libc::EPERM);
    hold(name, &python, Tier::Container);
    hold(name, &python, Tier::NoUserns);
    refuse(&python, Tier::Full, "user", "EPERM");
}

#[test]
fn a_missing_layer_is_refused_by_name() {
    let Some(_) = python_or_say("a_missing_layer_is_refused_by_name") else { return };
    let landlock = lacking(&[libc::SYS_landlock_create_ruleset], libc::ENOSYS);
    let mounts = lacking(&[libc::SYS_mount_setattr], libc::ENOSYS);
    for tier in SHUT {
        refuse(&landlock.1, tier, "landlock", "ENOSYS");
    }
    refuse(&mounts.1, Tier::Full, "mounts", "ENOSYS");
    refuse(Path::new(PYTHON), Tier::MacOs, "sandbox-exec", "linux");
}

/// In full it is shown to candidates all the same, and nothing beside it.
#[test]
fn an_interpreter_that_others_cannot_read_is_refused() {
    let name = "an_interpreter_that_others_cannot_read_is_refused";
    let Some(python) = python_or_say(name) else { return };
    if !is_root() {
        eprintln!("{name}: not run, it needs root");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let made = Command::new(&python)
        .args(["-m", "venv", "--without-pip", "--symlinks"])
        .arg(home.path())
        .output();
    let python = home.path().join("bin/python3");
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("{name}: not run, it needs the module venv");
        return;
    }
    let site_packages = SandboxConfig {
        workers: 1,
        python,
        tier: Tier::Container,
        site_packages: true,
        ..SandboxConfig::default()
    };
    match Sandbox::start(&site_packages) {
        Err(SandboxError::Isolation { layer, answer, .. }) => {
            assert!(layer == "user" && answer.contains("is closed to other users"), "{answer}");
        }
        other => panic!("{other:?}"),
    }
    let full = SandboxConfig { tier: Tier::Full, ..site_packages };
    match Sandbox::start(&full) {
        Ok(_) => {}
        Err(SandboxError::Isolation { layer, answer, .. }) => {
            eprintln!("{name}: full not tried, the system lacks {layer}: {answer}");
        }
        Err(error) => panic!("{error}"),
    }
}
