//! Says in one line what FAISS's feature lacks on this machine, before its own build ends in a page of compiler
//! output. Without the features `faiss` and `faiss-static` there is nothing to do.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    // What another machine has cannot be asked here.
    if !has("FAISS") || env::var_os("HOST") != env::var_os("TARGET") {
        return;
    }
    for variable in ["CC", "CXX", "CMAKE", "LIBRARY_PATH", "PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let lacks = if has("FAISS_STATIC") { lacks_to_build() } else { lacks_to_link() };
    if let Some(lacks) = lacks {
        println!("cargo::error={lacks}");
    }
}

/// What building FAISS along lacks.
fn lacks_to_build() -> Option<String> {
    let install = "Debian: apt install cmake g++ libopenblas-openmp-dev";
    let cmake = program("CMAKE", "cmake");
    let Some(said) = output(Command::new(&cmake).arg("--version")) else {
        return Some(format!(
            "feature faiss-static builds FAISS with cmake, and {cmake} does not run ({install}; or: pip install cmake; \
             the variable CMAKE names another program)"
        ));
    };
    if version(&said) < Some((3, 24)) {
        let first = said.lines().next().unwrap_or_default();
        return Some(format!(
            "feature faiss-static needs cmake 3.24 or newer, {cmake} is {first:?} (pip install cmake; the variable \
             CMAKE names another program)"
        ));
    }
    let cxx = program("CXX", "c++");
    if output(Command::new(&cxx).arg("--version")).is_none() {
        return Some(format!(
            "feature faiss-static compiles FAISS with a C++ compiler, and {cxx} does not run ({install}; the variable \
             CXX names another program)"
        ));
    }
    let missing: Vec<&str> =
        ["blas", "lapack", "gomp"].into_iter().filter(|library| !links(library)).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "feature faiss-static links BLAS, LAPACK and OpenMP, and nothing is found for -l{} ({install}; the \
             variable LIBRARY_PATH names the folder of a library elsewhere)",
            missing.join(" -l")
        )
    })
}

/// What linking an installed FAISS lacks.
fn lacks_to_link() -> Option<String> {
    (!links("faiss_c")).then(|| {
        "feature faiss links FAISS's C library, and nothing is found for -lfaiss_c (brew install faiss, or conda \
         install -c pytorch libfaiss; the variable LIBRARY_PATH names the folder of one elsewhere; or take the feature \
         faiss-static, which builds FAISS along)"
            .into()
    })
}

fn program(variable: &str, usual: &str) -> String {
    env::var(variable).unwrap_or_else(|_| usual.into())
}

/// What a program said, if it ran well.
fn output(command: &mut Command) -> Option<String> {
    let ran = command.stderr(Stdio::null()).output().ok()?;
    ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Major and minor number in what `cmake --version` says: `cmake version 3.25.1`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_whitespace().nth(2)?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Whether a program of two lines links with the library, where the compiler and Rust's flags look for it.
fn links(library: &str) -> bool {
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let (source, program_file) = (Path::new(&out).join("links.c"), Path::new(&out).join("links"));
    if fs::write(&source, "int main(void) {\n    return 0; }\n").is_err() {
        return false;
    }
    let mut compile = Command::new(program("CC", "cc"));
    compile.arg(&source).arg("-o").arg(&program_file).args(search_paths());
    output(compile.arg(format!("-l{library}"))).is_some()
}

/// `-L` as in `RUSTFLAGS="-L native=/opt/lib"`.
fn search_paths() -> Vec<String> {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let folder =
        |flag: &str| format!("-L{}", flag.split_once('=').map_or(flag, |(_, folder)| folder));
    let flags = flags.replace("-L\u{1f}", "-L");
    flags.split('\u{1f}').filter_map(|flag| flag.strip_prefix("-L")).map(folder).collect()
}
