//! Whether this machine can hold untrusted programs, and how: `doctor [--isolation TIER] [--python PATH]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Parser;
use infer_code_cad::sandbox::{Isolation, Sandbox, SandboxConfig, SandboxError, Tier};

/// Starts the sandbox in every tier, which sets up each layer and tries what it forbids. Prints what
/// holds, or the layer that does not with the kernel's answer and what would help.
#[derive(Parser)]
struct Args {
    /// The tier that has to hold: full, container, no-userns, macos or none.
    #[arg(long, default_value = "full")]
    isolation: Tier,
    /// The interpreter.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Let in what is installed beside the interpreter's standard library.
    #[arg(long)]
    site_packages: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let start = Instant::now();
    let mut held = false;
    for (tier, result) in start_all(&args) {
        if tier == args.isolation {
            held = result.is_ok();
        }
        print(tier, &result);
    }
    let verdict = if held { "holds" } else { "CANNOT be had" };
    println!("{} {verdict} here ({:.2} s)", args.isolation, start.elapsed().as_secs_f64());
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All tiers side by side, for most of the time goes into the interpreter's own start.
fn start_all(args: &Args) -> Vec<(Tier, Result<Isolation, SandboxError>)> {
    let start = |tier| {
        let config = SandboxConfig {
            python: args.python.clone(),
            workers: 1,
            tier,
            site_packages: args.site_packages,
            ..SandboxConfig::default()
        };
        Sandbox::start(&config).map(|sandbox| sandbox.isolation().clone())
    };
    thread::scope(|scope| {
        let started = Tier::ALL.map(|tier| (tier, scope.spawn(move || start(tier))));
        let joined = started.map(|(tier, thread)| (tier, thread.join()));
        joined.map(|(tier, result)| (tier, result.expect("no start panics"))).into()
    })
}

fn print(tier: Tier, result: &Result<Isolation, SandboxError>) {
    match result {
        Ok(isolation) => print_layers(isolation),
        Err(SandboxError::Isolation { layer, answer, remedy, .. }) => {
            println!("{tier}: no\n  {layer:<16} {answer}\n  {:<16} {remedy}", "remedy");
        }
        Err(error) => println!("{tier}: no\n  {error}"),
    }
}

fn print_layers(isolation: &Isolation) {
    println!("{}: yes", isolation.tier);
    for (layer, what) in &isolation.layers {
        println!("  {layer:<16} {what}");
    }
    for (guarantee, extent) in isolation.tier.guarantees() {
        let tried = match isolation.tried.get(guarantee.as_str()) {
            Some(acts) => format!("{acts} forbidden acts refused"),
            None => "not tried".to_owned(),
        };
        println!("  {guarantee:<16} {extent} ({tried})");
    }
}
