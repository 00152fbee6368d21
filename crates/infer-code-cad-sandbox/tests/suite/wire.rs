//! What candidates send in the place of answers: whatever it is, it is a verdict of theirs, in time, and
//! never a pass. The program takes the judge's channel over; the fuzz target `judge` does the same.

use std::time::{Duration, Instant};

use infer_code_cad_sandbox::{Limits, Sandbox, Submission, Tests, Verdict};
use proptest::prelude::*;

use crate::common::sandbox_or_say;

/// Answers every question with the next of `ANSWERS`, in which TURN is the question's number; then does
/// as `LAST` says.
const LIAR: &str = "import os, struct, time\n\
    def exactly(n):\n    \
        data = b''\n    \
        while len(data) < n:\n        \
            part = os.read(3, n - len(data))\n        \
            if not part: os._exit(0)\n        \
            data += part\n    \
        return data\n\
    turn = 0\n\
    for framed, answer in ANSWERS:\n    \
        answer = answer.replace(b'TURN', str(TURNS[0] if turn == 0 else turn).encode())\n    \
        while answer:\n        \
            answer = answer[os.write(3, answer):]\n    \
        if framed:\n        \
            question = exactly(struct.unpack('>I', exactly(4))[0])\n        \
            turn = question.split(b',')[1].decode()\n\
    if LAST == 'close': os.closerange(0, 64)\n\
    if LAST == 'sleep': time.sleep(60)\n\
    if LAST == 'leave': os._exit(0)";

/// What ends the conversation after the answers.
fn last() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("close"), Just("leave"), Just("go on"), Just("sleep")]
}

/// JSON near to what the protocol says, and far from it.
fn tree() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e999".to_owned()),
        Just("NaN".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        "[a-z]{0,8}".prop_map(|text| format!("{text:?}")),
        Just("\"\\ud800\"".to_owned()),
    ];
    let kinds = "int str tuple dict set frozenset deque keys items bytes complex range decimal fraction \
                 date datetime time timedelta slice builtin module member array ordered counter \
                 defaultdict handle exception yours ellipsis nonsense";
    let kinds: Vec<_> = kinds.split_whitespace().map(str::to_owned).collect();
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..5)
            .prop_map(|parts| format!("[{}]", parts.join(",")));
        let object = (prop::sample::select(kinds.clone()), inner)
            .prop_map(|(kind, content)| format!("{{\"{kind}\":{content}}}"));
        prop_oneof![list, object]
    })
}

/// An answer as it is sent: with a length that is true or not, of any shape.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        4 => Just("value"), 1 => Just("raised"), 1 => Just("ask"), 1 => Just("unsendable"), 1 => Just("ready")
    ];
    let message = (kind, prop::collection::vec(tree(), 0..6)).prop_map(|(kind, parts)| {
        let parts: String = parts.iter().map(|part| format!(",{part}")).collect();
        format!("[\"{kind}\",TURN{parts}]").into_bytes()
    });
    let framed = message.prop_map(|text| {
        // The number that TURN becomes has 15 digits, in general; what is cut off is malformed.
        let length = u32::try_from(text.len() + 11).expect("short");
        [&length.to_be_bytes(), &text[..]].concat()
    });
    prop_oneof![
        6 => framed,
        1 => prop::collection::vec(any::<u8>(), 0..64),
        1 => Just(vec![0xff; 8]),
        1 => Just([&50_000_u32.to_be_bytes()[..], &[b'['; 50_000]].concat()),
    ]
}

fn literal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("b'{digits}'")
}

fn liar(answers: &[Vec<u8>], last: &str) -> String {
    let answers: String =
        answers.iter().map(|answer| format!("(1, {}),", literal(answer))).collect();
    // The number of the first question lies in the frames of the driver, which a liar can look into.
    format!(
        "import sys\nframe = sys._getframe()\nTURNS = [0]\nwhile frame:\n    \
         if 'turn' in frame.f_locals: TURNS = [frame.f_locals['turn']]\n    frame = frame.f_back\n\
         ANSWERS = [{answers}]\nLAST = {last:?}\n{LIAR}"
    )
}

fn judge_liar(sandbox: &Sandbox, answers: &[Vec<u8>], last: &str) {
    let program = liar(answers, last);
    let tests = Tests::new(
        "x = f(3)\nassert f(x) == 'dedc9a06'\nassert len(f(2)) == 61409\nassert 48301 in f(1)\n\
         for y in f(2): assert y == 77123",
    );
    let limits = Limits { wall_time: Duration::from_millis(400), ..Limits::default() };
    let start = Instant::now();
    let report = sandbox.execute(&Submission::new(&program, &tests), &limits);
    let report = report.unwrap_or_else(|error| panic!("{error}: {program}"));
    assert_ne!(report.verdict, Verdict::Passed, "{report:?}: {program}");
    assert!(start.elapsed() < Duration::from_secs(20), "{report:?}: {program}");
}

#[test]
fn no_answer_crashes_hangs_or_passes() {
    let Some(sandbox) = sandbox_or_say("no_answer_crashes_hangs_or_passes", 1) else { return };
    let whole = std::env::var_os("INFER_CODE_CAD_WHOLE_CORPUS").is_some();
    let cases = if whole { 5_000 } else { 100 };
    let strategy = (prop::collection::vec(answer(), 1..6), last());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    let outcome = runner.run(&strategy, |(answers, last)| {
        judge_liar(&sandbox, &answers, last);
        Ok(())
    });
    outcome.unwrap();
}

/// The answers above do reach the judge: one that knows the right value passes, as any program would.
#[test]
fn a_liar_that_knows_the_value_is_a_program_that_gives_it() {
    let name = "a_liar_that_knows_the_value_is_a_program_that_gives_it";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let parts = ["null", "{\"handle\":[0,\"function\"]}", "7", "null"];
    let messages = parts.map(|part| format!("[\"value\",TURN,{part},[]]"));
    let framed: Vec<_> = messages
        .iter()
        .map(|text| {
            let length = u32::try_from(text.len() + 11).expect("short");
            [&length.to_be_bytes(), text.as_bytes()].concat()
        })
        .collect();
    let limits = Limits { wall_time: Duration::from_secs(1), ..Limits::default() };
    for (expected, verdict) in [("7", Verdict::Passed), ("8", Verdict::Failed)] {
        let tests = Tests::new(format!("assert f(3) == {expected}"));
        let verdicts = (0..5).map(|_| {
            let program = liar(&framed, "leave");
            sandbox.execute(&Submission::new(&program, &tests), &limits).unwrap().verdict
        });
        // A number of fewer than 15 digits breaks the length, now and then.
        assert!(verdicts.clone().any(|of| of == verdict), "{:?}", verdicts.collect::<Vec<_>>());
    }
}

/// What a generator is unlikely to make.
#[test]
fn large_deep_and_slow_answers_are_verdicts() {
    let Some(sandbox) = sandbox_or_say("large_deep_and_slow_answers_are_verdicts", 1) else {
        return;
    };
    let message = |text: String| {
        let length = u32::try_from(text.len() + 11).expect("short");
        vec![[&length.to_be_bytes(), text.as_bytes()].concat()]
    };
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for text in [
        format!("[\"value\",TURN,{},[]]", nested(150)),
        format!("[\"value\",TURN,{},[]]", nested(300)),
        format!("[\"value\",TURN,{},[]]", nested(3_000)),
        format!("[\"value\",TURN,{{\"int\":\"{}\"}},[]]", "f".repeat(9_000)),
        format!("[\"value\",TURN,{},[]]", "9".repeat(9_000)),
        "[\"value\",TURN,null,[[0,[1]]]]".to_owned(),
        "[\"value\",TURN,{\"range\":[0,1000000000000,1]},[]]".to_owned(),
        "[\"value\",TURN,{\"decimal\":\"1E999999999999\"},[]]".to_owned(),
    ] {
        judge_liar(&sandbox, &message(text), "go on");
    }
    let slow = "import os, time\nfor byte in b'\\0\\0\\0\\x40[\"value\"':\n    os.write(3, bytes([byte]))\n    time.sleep(0.3)";
    let limits = Limits { wall_time: Duration::from_secs(1), ..Limits::default() };
    let tests = Tests::new("assert f(1)");
    let report = sandbox.execute(&Submission::new(slow, &tests), &limits).unwrap();
    assert_eq!(report.verdict, Verdict::Timeout, "{report:?}");
    let flood = "import os\nwhile True: os.write(3, b'\\0\\0\\0\\x0c[\"ask\",1,[]]')";
    let report = sandbox.execute(&Submission::new(flood, &tests), &limits).unwrap();
    assert_ne!(report.verdict, Verdict::Passed, "{report:?}");
}
