//! The programs as their files tell them.

use std::env;
use std::fs;
use std::path::PathBuf;

use infer_code_cad_sandbox::{Tier, Verdict};

use super::Chain;

/// One program with what is expected of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    /// Its file and its own name, such as `exits/exit_at_import`.
    pub(super) name: String,
    pub(super) source: String,
    pub(super) asserts: String,
    pub(super) setup: String,
    pub(super) entry: Option<String>,
    /// The verdicts that are right, by name.
    pub(super) verdicts: Vec<String>,
    /// What must not be on the host afterwards: `file PATH` or `process NAME`.
    pub(super) never: Vec<String>,
    after: Option<String>,
    machine: Option<String>,
    python: Option<String>,
    tiers: Option<String>,
}

impl Program {
    /// Whether the verdict is one of the right ones.
    pub(super) fn may(&self, verdict: Verdict) -> bool {
        self.verdicts.iter().any(|name| name == verdict.as_str())
    }

    /// Why it is not run on this machine, in this tier, with this version of Python.
    pub(super) fn not_here(&self, tier: Tier, python: &[u32]) -> Option<String> {
        let named = |tiers: &str| tiers.split(", ").any(|name| name == tier.as_str());
        if self.tiers.as_deref().is_some_and(|tiers| !named(tiers)) {
            return Some(format!("not in the tier {tier}"));
        }
        if self.machine.as_deref().is_some_and(|machine| machine != env::consts::ARCH) {
            return Some(format!("not on {}", env::consts::ARCH));
        }
        let wanted = self.python.as_deref().map(numbers)?;
        (python < wanted.as_slice()).then(|| format!("not on Python {python:?}"))
    }

    /// Takes in one `#= key: value`.
    fn set(&mut self, key: &str, value: &str) {
        let text = Some(value.to_owned());
        match key {
            "verdicts" => self.verdicts = value.split(", ").map(str::to_owned).collect(),
            "never" => self.never.push(value.to_owned()),
            "after" => self.after = text,
            "setup" => value.clone_into(&mut self.setup),
            "entry" => self.entry = text,
            "machine" => self.machine = text,
            "python" => self.python = text,
            "tiers" => self.tiers = text,
            _ => panic!("no program has {key:?}: {value:?}"),
        }
    }
}

/// Where the corpus lies: a copy, where the environment names one.
pub(super) fn directory() -> PathBuf {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    env::var_os("INFER_CODE_CAD_CORPUS").map_or(own, PathBuf::from)
}

/// All programs of a kind, `hostile` or `benign`. Those that run behind another are in its chain.
pub(super) fn chains(kind: &str) -> Vec<Chain> {
    let mut files: Vec<_> = fs::read_dir(directory().join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    files.sort();
    let mut chains: Vec<Chain> = Vec::new();
    for file in files {
        let category = file.file_stem().unwrap().to_str().unwrap();
        for program in programs(category, &fs::read_to_string(&file).unwrap()) {
            let Some(before) = &program.after else {
                chains.push(vec![program]);
                continue;
            };
            let before = format!("{category}/{before}");
            let found = |chain: &&mut Chain| chain.iter().any(|other| other.name == before);
            chains.iter_mut().find(found).expect(&before).push(program);
        }
    }
    let only = env::var("INFER_CODE_CAD_ONLY").unwrap_or_default();
    chains.retain(|chain| chain[0].name.starts_with(&only));
    chains
}

/// The version in `sandbox(python=cpython 3.11.7,...)`.
pub(super) fn python(settings: &str) -> Vec<u32> {
    let version = settings.split("python ").nth(1).unwrap_or_default();
    numbers(version.split(',').next().unwrap_or_default())
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|number| number.parse().ok()).collect()
}

/// The programs of one file.
fn programs(category: &str, text: &str) -> Vec<Program> {
    let mut blocks = text.split("\n#= name: ");
    // A file without `verdicts` has programs that pass.
    let mut head = Program { verdicts: vec!["passed".to_owned()], ..Program::default() };
    read(&mut head, blocks.next().unwrap().split('\n'));
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap_or((block, ""));
            let mut program = Program { name: format!("{category}/{name}"), ..head.clone() };
            program.asserts.clear();
            read(&mut program, rest.split('\n'));
            if program.asserts.is_empty() {
                program.asserts.clone_from(&head.asserts);
            }
            program
        })
        .collect()
}

/// Adds lines to a program: what is no directive and no test is source.
fn read<'a>(program: &mut Program, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        if let Some(test) = line.strip_prefix("#: ") {
            program.asserts += test;
            program.asserts.push('\n');
        } else if let Some(directive) = line.strip_prefix("#= ") {
            let (key, value) = directive.split_once(": ").expect(directive);
            program.set(key, value);
        } else {
            program.source += line;
            program.source.push('\n');
        }
    }
}

#[test]
fn files_are_read_as_they_are_told() {
    let text = "# About.\n#= verdicts: failed\n#: assert f(1)\nimport os\n\n#= name: one\nx = 1\n\
                #= name: two\n#= verdicts: failed, crashed\n#= never: file /a b\n#: assert g\ny = 2\n";
    let [one, two] = &programs("file", text)[..] else { panic!("{text}") };
    assert_eq!((one.name.as_str(), one.asserts.as_str()), ("file/one", "assert f(1)\n"));
    assert_eq!(one.source, "# About.\nimport os\n\nx = 1\n");
    assert_eq!((two.name.as_str(), two.asserts.as_str()), ("file/two", "assert g\n"));
    assert!(two.may(Verdict::Crashed) && !one.may(Verdict::Crashed) && !two.may(Verdict::Passed));
    assert_eq!(two.never, ["file /a b"]);
    assert_eq!(python("sandbox(python=cpython 3.9.1,hashseed=0)"), [3, 9, 1]);
}

#[test]
fn there_are_programs_enough() {
    let count = |kind| chains(kind).iter().map(Vec::len).sum::<usize>();
    assert!(count("hostile") >= 500 && count("benign") >= 100);
    let hostile = chains("hostile").concat();
    let mut names: Vec<_> = hostile.iter().map(|program| &program.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), hostile.len(), "a name is there twice");
    for program in hostile.iter().chain(&chains("benign").concat()) {
        assert!(!program.asserts.is_empty(), "{} has no tests", program.name);
    }
}
