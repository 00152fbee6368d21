//! The flags of the examples, as a user gives them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// An example that `cargo test` built beside these tests.
pub(crate) fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let directory = tests.parent().unwrap().parent().unwrap().join("examples");
    let path = directory.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is missing; cargo build --examples", path.display());
    Command::new(path)
}

fn output(name: &str, args: &[&str]) -> Output {
    example(name).args(args).output().unwrap()
}

pub(crate) fn succeeds(name: &str, args: &[&str]) -> String {
    let output = output(name, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(name: &str, args: &[&str]) -> String {
    let output = output(name, args);
    assert!(!output.status.success(), "{args:?} succeeds");
    String::from_utf8(output.stderr).unwrap()
}

const PROMPT: [&str; 5] =
    ["--json", "--signature", "def double(x):", "--docstring", "Return twice x."];

/// What `generate` wrote, without its times.
fn written(args: &[&str]) -> Value {
    let args = [&PROMPT[..], &["--max-new-tokens", "24"], args].concat();
    let mut json: Value = serde_json::from_str(&succeeds("generate", &args)).unwrap();
    let object = json.as_object_mut().unwrap();
    let mut time = |name| object.remove(name).and_then(|time| time.as_f64()).unwrap();
    assert!(time("seconds") >= time("first_token_seconds"));
    json
}

#[test]
fn a_flag_is_the_same_as_the_setting_in_the_technique() {
    for (flags, technique) in [
        (&["--temperature", "0.6"][..], "nucleus(temperature=0.6)"),
        (&["--top-p", "0.5", "--technique", "rag"], "rag+nucleus(top_p=0.5)"),
        (
            &["--technique", "nucleus(top_p=1)", "--top-k", "3", "--min-p", "0.1"],
            "nucleus(top_p=1,top_k=3,min_p=0.1)",
        ),
        (
            &[
                "--technique",
                "rag+cad",
                "--alpha",
                "0.2",
                "--plausibility",
                "0.1",
                "--n-passages",
                "2",
            ],
            "rag(passages=2)+cad(alpha=0.2,plausibility=0.1)",
        ),
    ] {
        let (by_flags, by_name) = (written(flags), written(&["--technique", technique]));
        assert_eq!(by_flags, by_name, "{technique}");
    }
}

#[test]
fn a_flag_that_does_not_fit_is_refused() {
    for (args, complaint) in [
        (
            &["--alpha", "0.2"][..],
            "alpha = 0.2 is a setting of cad, which the technique vanilla does not",
        ),
        (
            &["--technique", "rag", "--plausibility", "0.1"],
            "take one that has it, such as cad, or leave plausibility",
        ),
        (&["--n-passages", "2"], "a setting of rag"),
        (&["--technique", "greedy", "--top-p", "0.9"], "leave greedy out, or leave top_p out"),
        (
            &["--technique", "cad(alpha=1)", "--alpha", "1"],
            "says alpha of cad itself; leave one out",
        ),
        (&["--temperature", "0"], "temperature of nucleus is \"0\", expected a finite value"),
        (&["--temperature", "-1"], "temperature of nucleus is \"-1\""),
        (&["--top-p", "1.5"], "expected a value in (0, 1]"),
        (&["--top-k", "0"], "top_k of nucleus is \"0\", expected at least 1"),
        (&["--min-p", "x"], "min_p of nucleus is \"x\", expected a value in [0, 1]"),
        (&["--stop", ""], "an empty stop string"),
        (&["--stop", "none", "--stop", "x"], "leave out none or the others"),
        (&["--stop", "BigCode"], "write bigcode"),
        (&["--stop", r"\d"], "there are \\n, \\r"),
    ] {
        let error = fails("generate", &[&PROMPT[..], args].concat());
        assert!(error.contains(complaint), "{args:?}: {error}");
    }
    for (args, complaint) in [
        (&["--stop", "x"][..], "cannot be used with"),
        (&["--n-passages", "2"], "cannot be used with"),
        (&["--technique", "rag(passages=2)"], "has neither rag nor sc nor cot"),
        (&["--technique", "sc(drafts=2)+cad"], "has neither rag nor sc nor cot"),
        (&["--technique", "cot"], "has neither rag nor sc nor cot"),
    ] {
        let error = fails("generate", &[&["--tokens", "1,2"], args].concat());
        assert!(error.contains(complaint), "{args:?}: {error}");
    }
    let passages = ["--technique", "cad", "--passages", "passages.jsonl"];
    let error = fails("generate", &[&PROMPT[..], &passages].concat());
    assert!(
        error.contains("cad reads no passages; add rag or leave out --index, --passages or"),
        "{error}"
    );
    for ignored in [&["--n", "3"][..], &["--technique", "cad"], &["--align"], &["--judge-after"]] {
        let error =
            fails("evaluate", &[&["--out", "results.jsonl", "--rejudge"], ignored].concat());
        assert!(error.contains("cannot be used with"), "{ignored:?}: {error}");
    }
}

#[test]
fn stop_strings_end_a_completion() {
    let whole = written(&["--technique", "greedy"]);
    let whole = whole["completion"].as_str().unwrap().to_owned();
    assert!(whole.contains('\n'), "{whole:?}");
    let stopped = written(&["--technique", "greedy", "--stop", "no such text", "--stop", r"\n"]);
    let expected = whole.split('\n').next().unwrap();
    assert_eq!(stopped["completion"], expected, "{whole:?}");
}

/// Two problems in the form of HumanEval.
pub(crate) fn problems(directory: &Path) -> PathBuf {
    let problem = |id: usize| {
        serde_json::json!({
            "task_id": format!("HumanEval/{id}"), "entry_point": "f",
            "prompt": "def f(x):\n    \"\"\"Return x.\"\"\"\n", "canonical_solution": "    return x\n",
            "test": "def check(candidate):\n    assert candidate(1) == 1\n",
        })
    };
    let path = directory.join("problems.jsonl");
    fs::write(&path, format!("{}\n{}\n", problem(0), problem(1))).unwrap();
    path
}

/// Evaluates the two problems into a file, and returns what was printed.
fn evaluated(directory: &Path, out: &Path, args: &[&str]) -> String {
    let (data, out) = (problems(directory), out.to_str().unwrap());
    let data = data.to_str().unwrap();
    let own = ["--benchmark", "humaneval", "--data", data, "--n", "2", "--max-new-tokens", "24"];
    succeeds("evaluate", &[&own[..], &["--out", out], args].concat())
}

#[test]
fn flags_give_the_header_of_the_technique_and_its_run_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let [by_flags, by_name] = ["flags", "name"].map(|name| directory.path().join(name));
    let flags = ["--technique", "cad", "--alpha", "0.2", "--temperature", "0.6", "--top-k", "20"];
    let name = ["--technique", "cad(alpha=0.2)+nucleus(temperature=0.6,top_k=20)"];
    let stop = ["--stop", "paper-code", "--stop", r"\nclass"];
    evaluated(directory.path(), &by_flags, &[&flags[..], &stop].concat());
    evaluated(directory.path(), &by_name, &[&name[..], &stop].concat());
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    let header = |path: &Path| text(path).lines().next().unwrap().to_owned();
    assert_eq!(header(&by_flags), header(&by_name));
    assert!(header(&by_flags).contains(r#""stop":["\n\n","\nclass","print"]"#));
    let before = text(&by_flags);
    evaluated(directory.path(), &by_flags, &[&name[..], &stop].concat());
    assert_eq!(text(&by_flags), before, "all was there");
}

#[test]
fn a_preset_fills_in_what_no_flag_says_and_is_in_the_header() {
    let directory = tempfile::tempdir().unwrap();
    let header = |args: &[&str]| -> Value {
        let out = directory.path().join(args.concat());
        let stored = ["--max-new-tokens", "24"];
        let args = if args.contains(&"--stop") { [args, &stored].concat() } else { args.to_vec() };
        let (data, out_text) = (problems(directory.path()), out.to_str().unwrap());
        let own = ["--benchmark", "humaneval", "--data", data.to_str().unwrap(), "--n", "1"];
        succeeds("evaluate", &[&own[..], &["--out", out_text], &args].concat());
        let text = fs::read_to_string(&out).unwrap();
        serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["run"].clone()
    };
    let own = ["--preset", "default+leading-space+as-is+cad-length", "--technique", "greedy"];
    let run = header(&own);
    assert_eq!((&run["max_new_tokens"], &run["max_length"]), (&512.into(), &512.into()));
    assert_eq!(
        run["extraction"],
        serde_json::json!({
            "name": "as-is", "values": [["leading_space", "true"]],
        })
    );
    let mut preset = infer_code_cad::decode::Settings::new(run["preset"]["name"].as_str().unwrap());
    for pair in run["preset"]["values"].as_array().unwrap() {
        preset = preset.with(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    }
    let read = infer_code_cad::Preset::read(&preset).unwrap();
    assert_eq!(read.to_string(), "default+as-is+leading-space+cad-length");

    let run = header(
        &[&own[..], &["--stop", "x", "--align", "--prompt-format", "raw", "--rename", "3"]]
            .concat(),
    );
    assert_eq!(run["benchmark"], "humaneval renamed(seed=3)");
    assert_eq!(run["preset"]["name"], "default+as-is+leading-space+cad-length");
    assert_eq!((&run["max_new_tokens"], &run["max_length"]), (&24.into(), &Value::Null));
    assert_eq!((&run["stop"][0], &run["extraction"]["name"]), (&"x".into(), &"aligned".into()));
    assert_eq!(run["prompt_format"]["name"], "raw");

    let error = fails("evaluate", &["--out", "x", "--preset", "fair"]);
    assert!(error.contains("choose default, paper or paper-code"), "{error}");
}

#[test]
fn an_evaluation_says_when_it_judged() {
    let directory = tempfile::tempdir().unwrap();
    let [beside, after] = ["beside", "after"].map(|name| directory.path().join(name));
    let table = evaluated(directory.path(), &beside, &[]);
    assert!(table.contains(" beside ") && table.contains("judge beside: programs ran"), "{table}");
    let table = evaluated(directory.path(), &after, &["--judge-after"]);
    assert!(table.contains(" after ") && !table.contains("beside"), "{table}");
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    assert!(text(&beside).contains(r#""judging":"beside""#));
    assert!(text(&after).contains(r#""judging":"after""#));
    let results = |path: &Path| text(&infer_code_cad::results_path(path));
    assert_eq!(results(&beside), results(&after));
    let again = evaluated(directory.path(), &after, &["--json"]);
    let summary: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(summary["judging"], "after", "as it was when it was timed");
}

/// Samples of the two problems, right and wrong in turn, and what `execute` prints of them.
fn executed(directory: &Path, args: &[&str]) -> String {
    let (data, samples) = (problems(directory), directory.join("samples.jsonl"));
    let sample = |number: usize| {
        let text = if number.is_multiple_of(2) { "    return x\n" } else { "    return -x\n" };
        serde_json::json!({ "task_id": format!("HumanEval/{}", number / 4), "completion": text })
    };
    fs::write(&samples, (0..8).map(|number| format!("{}\n", sample(number))).collect::<String>())
        .unwrap();
    let own = ["--problems", data.to_str().unwrap(), "--samples", samples.to_str().unwrap()];
    succeeds("execute", &[&own[..], args].concat())
}

#[test]
fn execute_writes_human_evals_results_beside_the_samples() {
    let directory = tempfile::tempdir().unwrap();
    let printed = executed(directory.path(), &["--workers", "2"]);
    assert!(printed.starts_with("8 samples of 2 of 2 problems\n"), "{printed}");
    for line in ["failed         4\n", "passed         4\n", "pass@1         0.5000\nresults: "] {
        assert!(printed.contains(line), "{printed}");
    }
    let path = directory.path().join("samples.jsonl_results.jsonl");
    let results = fs::read_to_string(&path).unwrap();
    let rows: Vec<Value> =
        results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let passed: Vec<bool> = rows.iter().map(|row| row["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [true, false, true, false, true, false, true, false]);
    assert_eq!((&rows[0]["result"], &rows[0]["isolation"]), (&"passed".into(), &"full".into()));
    assert!(rows[1]["result"].as_str().unwrap().starts_with("failed: "), "{}", rows[1]);
    assert_eq!(rows[0]["wall_ms"], Value::Null);

    executed(directory.path(), &["--dedup", "--isolation", "full"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), results);
    let limits = directory.path().join("limits.json");
    executed(directory.path(), &["--measured", "--scale-limits", limits.to_str().unwrap()]);
    let measured = fs::read_to_string(&path).unwrap();
    assert!(measured.lines().all(|line| line.contains("\"wall_ms\": ")), "{measured}");
    let limits = fs::read_to_string(&limits).unwrap();
    assert_eq!(limits.matches("\"cpu_seconds\": 1,").count(), 2, "{limits}");
    let error = fails("execute", &["--problems", "x", "--samples", "y", "--cpu-seconds", "0"]);
    assert!(error.contains("expected seconds, at least 0.001"), "{error}");
}

#[test]
fn an_evaluation_tells_how_it_judged_in_its_header() {
    let directory = tempfile::tempdir().unwrap();
    let [out, limits] = ["out", "limits.json"].map(|name| directory.path().join(name));
    let flags = ["--isolation", "none", "--memory-mb", "256", "--workers", "1", "--dedup"];
    let scaled = [&flags[..], &["--scale-limits", limits.to_str().unwrap()]].concat();
    evaluated(directory.path(), &out, &scaled);
    let text = fs::read_to_string(&out).unwrap();
    let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let settings = |part: &str| header["run"][part]["values"].to_string();
    for (part, setting) in [
        ("judge", r#"["isolation","none"]"#),
        ("bench", r#"["isolation","none"]"#),
        ("limits", r#"["cpu_seconds","scaled"]"#),
        ("limits", r#"["memory_bytes","268435456"]"#),
        ("limits", r#"["cpu_scale",""#),
    ] {
        assert!(settings(part).contains(setting), "{setting} in {}", settings(part));
    }
    let data = problems(directory.path());
    let own = ["--benchmark", "humaneval", "--data", data.to_str().unwrap(), "--rejudge"];
    let again = [&own[..], &["--out", out.to_str().unwrap()], &scaled].concat();
    assert_eq!(succeeds("evaluate", &again), "0 of 4 programs came out otherwise\n");
}

#[test]
fn the_help_of_every_limit_names_its_default() {
    let help = succeeds("execute", &["--help"]);
    let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let limits = infer_code_cad::sandbox::Limits::default();
    for (flag, default) in [
        ("--cpu-seconds <X> CPU time", limits.cpu_time.as_secs()),
        ("--wall-seconds <X> Wall time", limits.wall_time.as_secs()),
        ("--memory-mb <N> Memory, in MiB", limits.memory_bytes >> 20),
        ("--output-mb <N> What it prints, in MiB", limits.output_bytes >> 20),
        ("--file-mb <N> The largest file, in MiB", limits.file_bytes >> 20),
        ("--max-processes <N> Processes at a time", limits.processes.into()),
        ("--max-threads <N> Threads at a time", limits.threads.into()),
        ("--open-files <N> Open files", limits.open_files.into()),
        ("--scratch-mb <N> All its files, in MiB", limits.scratch_bytes >> 20),
        ("--scratch-files <N> How many files", limits.scratch_files),
    ] {
        let expected = format!("{flag} [default: {default}");
        assert!(help.contains(&expected), "{expected} in {help}");
    }
}

#[test]
fn the_help_of_every_flag_names_its_default() {
    for name in ["generate", "evaluate"] {
        let help = succeeds(name, &["--help"]);
        for (flag, default) in [
            ("--temperature", "Without it 0.8"),
            ("--top-p", "Without it 0.9"),
            ("--top-k", "Without it all"),
            ("--min-p", "Without it 0"),
            ("--alpha", "Without it 0.5"),
            ("--plausibility", "Without it 0"),
            ("--n-passages", "Without it 1"),
            ("--preset", "[default: default]"),
            ("--stop", "Without it the preset's: none"),
            ("--max-new-tokens", "Without it the preset's: 128"),
            ("--seed", "[default: 0]"),
            ("--technique", "[default: vanilla]"),
        ] {
            let text = help.split(&format!(" {flag} <")).nth(1).unwrap();
            let text = text.split("\n      --").next().unwrap();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(default), "{name} {flag}: {text}");
        }
    }
}
