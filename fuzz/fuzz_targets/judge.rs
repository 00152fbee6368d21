//! Any bytes as what a candidate answers the judge: a verdict of its own, never a pass, never a fault.
//!
//! The bytes are answers, each behind its length; a byte 0xff in them stands for the number of the question.
//! A process is forked per case, so it makes some hundred cases a second: the corpus matters more than
//! the count.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use infer_code_cad_sandbox::{Limits, Sandbox, SandboxConfig, Submission, Tests, Verdict};
use libfuzzer_sys::fuzz_target;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let config = SandboxConfig { workers: 1, ..SandboxConfig::default() };
    Sandbox::start(&config).expect("python3 and the tier full are there")
});

const PROGRAM: &str = "import os, struct, sys\n\
    frame, turn = sys._getframe(), 0\n\
    while frame:\n    \
        turn = turn or frame.f_locals.get('turn', 0)\n    \
        frame = frame.f_back\n\
    def exactly(n):\n    \
        data = b''\n    \
        while len(data) < n:\n        \
            part = os.read(3, n - len(data))\n        \
            if not part: os._exit(0)\n        \
            data += part\n    \
        return data\n\
    for answer in ANSWERS:\n    \
        answer = answer.replace(b'\\xff', str(turn).encode())\n    \
        os.write(3, struct.pack('>I', len(answer)) + answer)\n    \
        turn = exactly(struct.unpack('>I', exactly(4))[0]).split(b',')[1].decode()\n\
    os._exit(0)";

fuzz_target!(|bytes: &[u8]| {
    let answers = bytes.split(|byte| *byte == b'\n').map(|answer| {
        let digits: String = answer.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("b'{digits}',")
    });
    let program = format!("ANSWERS = [{}]\n{PROGRAM}", answers.collect::<String>());
    let tests = Tests::new("x = f(3)\nassert f(x) == 'dedc9a06'\nassert 48301 in f(1)");
    let limits = Limits { wall_time: Duration::from_secs(1), ..Limits::default() };
    let report = SANDBOX.execute(&Submission::new(&program, &tests), &limits);
    assert_ne!(report.expect("no fault").verdict, Verdict::Passed);
});
