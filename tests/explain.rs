//! What became of a sample, from the prompt to the verdict.

use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig, Tests, Verdict};
use infer_code_cad::{Cut, Explanation, StoredRun, explain};

use crate::journal::run;

fn kept_and(explanation: &Explanation, cut: Cut) -> Vec<&str> {
    let lines = explanation.cut.iter().filter(|line| [Cut::Kept, cut].contains(&line.cut));
    lines.map(|line| line.text.as_str()).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

#[test]
fn a_sample_is_explained_as_it_is_in_the_run() {
    let run = run("rag+cad");
    let evaluation = run.finish();
    let stored = StoredRun::read(&run.path).unwrap();
    for record in &evaluation.records {
        let sample = &record.samples[1];
        let mut explanation = explain(&stored, &record.task_id, 1).unwrap();
        let sent = explanation.streams.iter().map(|stream| &stream.text);
        assert!(sent.eq(&record.prompt.as_ref().unwrap().streams));
        let [first, second] = &explanation.streams[..] else { panic!("cad has two streams") };
        assert_eq!(first.same_bytes, first.text.len());
        let same = second.same_bytes;
        assert_eq!(first.text[..same], second.text[..same]);
        assert_ne!(first.text[same..].chars().next(), second.text[same..].chars().next());
        assert!(!explanation.passages.is_empty());
        assert_eq!((explanation.verdict, explanation.n_tokens), (sample.verdict, sample.tokens));
        assert_eq!(explanation.tokens.len(), sample.tokens);
        assert_eq!(kept_and(&explanation, Cut::Removed), lines(&sample.completion));
        assert_eq!(kept_and(&explanation, Cut::Added), lines(&sample.program));
        explanation.add_tests(&stored, &run.tasks).unwrap();
        let asserts = &run.tasks.iter().find(|task| task.problem.task_id == record.task_id);
        let tests = explanation.tests.as_ref().unwrap();
        assert_eq!(tests.asserts, asserts.unwrap().hidden.asserts);
        let text = explanation.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("Stream 1, other than stream 0 from line"), "{text}");
    }
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let run = run("vanilla");
    run.finish();
    let stored = StoredRun::read(&run.path).unwrap();
    let known = &stored.header().tasks[2];
    let message = explain(&stored, &known.to_lowercase(), 0).unwrap_err().to_string();
    assert!(message.contains(&format!("like it are {known}")), "{message}");
    let message = explain(&stored, known, 2).unwrap_err().to_string();
    assert!(message.contains("the run has 2 samples of each problem"), "{message}");
    let others = crate::tasks(30);
    let message = explain(&stored, known, 0).unwrap().add_tests(&stored, &others).unwrap_err();
    assert!(message.to_string().contains("was begun with"), "{message}");
}

#[test]
fn a_program_that_runs_again_shows_what_it_prints_and_where_it_ends() {
    let run = run("vanilla");
    run.finish();
    let stored = StoredRun::read(&run.path).unwrap();
    let mut explanation = explain(&stored, &stored.header().tasks[0], 0).unwrap();
    let judge = Sandbox::start(&SandboxConfig::default()).unwrap();
    let mut seen = |program: &str| {
        explanation.program = program.to_owned();
        explanation.tests = Some(Tests::new("X = 1\nassert f(X) == 2"));
        let limits = Limits { cpu_time: std::time::Duration::from_secs(1), ..Limits::default() };
        explanation.run_again(&judge, &limits).unwrap();
        let rerun = explanation.rerun.clone().unwrap();
        (rerun.verdict.unwrap(), rerun.output)
    };
    let (verdict, output) = seen("def f(x):\n    print('x is', x)\n    return x / 0\n");
    assert_eq!(verdict, Verdict::Failed);
    let expected = "x is 1\nTraceback (most recent call last):\n  File \"tests\", line 2, in <module>\n    \
                    assert f(X) == 2\n";
    assert!(output.starts_with(expected), "{output}");
    assert!(output.contains("  File \"program\", line 3, in f\n    return x / 0\n"), "{output}");
    assert!(output.ends_with("ZeroDivisionError: division by zero\n"), "{output}");
    assert_eq!(seen("def f(x):\n    return 2\n"), (Verdict::Passed, String::new()));
    assert!(seen("def f(x:\n").1.contains("SyntaxError"));
    let (verdict, output) = seen("def f(x):\n    while True:\n        x += 1\n");
    assert_eq!(verdict, Verdict::Timeout);
    assert!(
        output.contains("in f\n") && output.ends_with("TimeoutError: processor time\n"),
        "{output}"
    );
}
