use super::*;
use proptest::prelude::*;

/// The number of the first dead line.
fn dead(text: &str) -> Option<usize> {
    let mut prefix = PythonPrefix::default();
    text.split_inclusive('\n').find_map(|line| prefix.push_line(line).err()).map(|dead| dead.line)
}

/// Texts by what they are: `taken`, whole statements; `unfinished`, which end in the middle of something and can go
/// on; `dead`, of which the last line is the first that is dead.
#[derive(serde::Deserialize)]
struct Lines {
    taken: Vec<String>,
    unfinished: Vec<String>,
    dead: Vec<String>,
}

fn lines() -> Lines {
    serde_json::from_str(include_str!("lines.json")).unwrap()
}

#[test]
fn what_python_takes_is_taken() {
    let Lines { taken, unfinished, .. } = lines();
    let mut all = taken.iter().chain(&unfinished);
    assert_eq!(all.find(|text| dead(text).is_some()), None);
}

#[test]
fn a_line_that_nothing_mends_is_dead_and_no_line_before_it() {
    let last = |text: &str| text.trim_end_matches('\n').lines().count();
    let texts = lines().dead;
    let wrong = texts.iter().find(|text| dead(&format!("{text}\n")) != Some(last(text)));
    assert_eq!(wrong.map(|text| (text, dead(text))), None);
}

#[test]
fn lambdas_stand_in_one_another_up_to_a_bound() {
    let lambdas = |depth| format!("{}0{}\n", "lambda x=".repeat(depth), ": 0".repeat(depth));
    assert_eq!(dead(&lambdas(750)), None);
    assert_eq!(dead(&lambdas(100_000)), Some(1));
}

#[test]
fn a_line_says_where_it_is_and_why() {
    let mut prefix = PythonPrefix::default();
    assert_eq!(prefix.push_line("def f():"), Ok(true));
    let error = prefix.push_line("pass").unwrap_err();
    assert_eq!(error, DeadLine { line: 2, reason: "the line before it needs an indented block" });
}

#[test]
fn a_function_is_left_by_a_statement_and_by_nothing_else() {
    let mut prefix = PythonPrefix::default();
    assert_eq!(prefix.open_function(), None);
    prefix.push_line("class A:\n").unwrap();
    prefix.push_line("  def f(self):\n").unwrap();
    assert_eq!(prefix.open_function(), Some(2));
    assert!(!prefix.leaves(2, "x"), "it has no body yet");
    prefix.push_line("    x = (1,\n").unwrap();
    assert!(!prefix.leaves(2, "  y"), "a bracket is open");
    prefix.push_line("  2)\n").unwrap();
    for (beginning, leaves) in [
        ("  y", true),
        ("y", true),
        ("```", true),
        ("   y", false),
        ("", false),
        ("#", false),
        ("  ", false),
    ] {
        assert_eq!(prefix.leaves(2, beginning), leaves, "{beginning:?}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "[a(:'\"\\\\#\n é\\[\\){}f=\t0.,*@!]{0,80}") {
        let _ = dead(&text);
    }
}
