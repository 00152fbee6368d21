//! Any text as a model's answer: a program, from which, if it is Python, extracting again changes nothing.
#![no_main]

use infer_code_cad_tasks::{Extraction, Problem};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tree_sitter::Parser;

static PROBLEM: LazyLock<Problem> = LazyLock::new(|| {
    let prompt = "import math\n\n\ndef area(w, h):\n    \"\"\"Multiply.\"\"\"\n";
    Problem::from_prompt("fuzz", prompt).expect("the prompt has a function")
});

fuzz_target!(|text: &str| {
    for extraction in [Extraction::Plain, Extraction::Aligned] {
        let program = extraction.program(&PROBLEM, text);
        let again = extraction.program(&PROBLEM, &program);
        if is_python(&program) {
            assert_eq!(again, program, "{extraction}");
        }
    }
});

fn is_python(program: &str) -> bool {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).expect("versions fit");
    parser.parse(program, None).is_some_and(|tree| !tree.root_node().has_error())
}
