//! Functions under another name than the one that was asked for.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{Extraction, Problem};
use proptest::prelude::*;

const RIGHT: &str = "def area(w, h):\n    return w * h\n";

fn problem() -> Problem {
    Problem::from_prompt("t", "def area(w, h):\n    \"\"\"Multiply.\"\"\"\n").unwrap()
}

/// The program with functions aligned; aligned again or by the plain rules, it stays as it is.
fn aligned(text: &str) -> String {
    let program = Extraction::Aligned.program(&problem(), text);
    for again in [Extraction::Aligned, Extraction::Plain] {
        assert_eq!(again.program(&problem(), &program), program, "{again}:\n{text}");
    }
    program
}

/// Asserts that nothing is bound: the program is that of the plain rules.
fn assert_plain(text: &str) {
    assert_eq!(aligned(text), Extraction::Plain.program(&problem(), text), "{text}");
}

/// Asserts that the entry point is bound to `value`, in a text alone and among prose.
fn assert_bound(text: &str, value: &str) {
    let binding = format!("\narea = {value}\n");
    for text in [text.to_owned(), format!("So:\n```python\n{text}```\nThat is it.\n")] {
        let program = aligned(&text);
        assert_eq!(program.matches("area = ").count(), 1, "{program}");
        assert!(program.contains(&binding), "{program}");
    }
}

#[test]
fn the_only_function_that_takes_as_many_arguments_is_meant() {
    let text = "def rect(w, h):\n    return w * h\n";
    assert_eq!(aligned(text), format!("{text}\narea = rect\n"));
    assert_bound(&format!("{text}\nprint(rect(2, 3))\nassert rect(1, 1) == 1\n"), "rect");
    assert_bound(&format!("import math\nK = 1\n{text}"), "rect");
    assert_bound("def rect(w: int, h: int = 1) -> int:\n    return w * h\n", "rect");
    assert_bound("def rect(w, h, /):\n    return w * h\n", "rect");
    assert_bound("def rect(w, h, *, k=1):\n    return w * h * k\n", "rect");
    assert_bound("def rect(w, h, **options):\n    return w * h\n", "rect");
    assert_bound("def rect(*sides):\n    return sides[0] * sides[1]\n", "rect");
    assert_bound("def rect(w, *more):\n    return w * more[0]\n", "rect");
}

#[test]
fn another_number_of_arguments_is_another_function() {
    assert_plain("def rect(side):\n    return side * side\n");
    assert_plain("def rect(w, h, d):\n    return w * h * d\n");
    assert_plain("def rect():\n    return 0\n");
    assert_plain("def rect(w, h, *, unit):\n    return w * h * unit\n");
    assert_plain("def rect(w, *, h):\n    return w * h\n");
    assert_plain("def rect(w, h, d, *more):\n    return w * h * d\n");
}

#[test]
fn of_several_the_one_with_almost_the_name_is_meant() {
    let two = |first: &str, second: &str| {
        let function = |name: &str| format!("def {name}(w, h):\n    return w * h\n");
        function(first) + &function(second)
    };
    assert_plain(&two("rect", "square"));
    assert_plain(&two("Area", "AREA"));
    for name in ["Area", "area_", "area2", "_area", "ar_ea", "AREA_1"] {
        assert_bound(&two("rect", name), name);
        assert_bound(&two(name, "rect"), name);
    }
}

#[test]
fn helpers_that_take_other_arguments_are_no_rivals() {
    let helpers = "def twice(x):\n    return 2 * x\n\ndef test_rect(a, b):\n    return a\n\ndef main(a, b):\n    return b\n";
    let text = format!("{helpers}\ndef rect(w, h):\n    return twice(w) * h // 2\n");
    assert_bound(&text, "rect");
    let block = "def twice(x):\n    return 2 * x\n";
    let text = format!(
        "First:\n```python\n{block}```\nThen:\n```python\ndef rect(w, h):\n    return twice(w) * h // 2\n```\n"
    );
    let program = aligned(&text);
    assert!(program.contains(block) && program.ends_with("area = rect\n"), "{program}");
}

#[test]
fn methods_are_meant_where_no_function_is() {
    let class = "class Solution:\n    def area(self, w, h):\n        return w * h\n";
    assert_bound(class, "Solution().area");
    assert_bound("class Box:\n    def rect(self, w, h):\n        return w * h\n", "Box().rect");
    assert_bound(
        "class Box:\n    @staticmethod\n    def rect(w, h):\n        return w * h\n",
        "Box.rect",
    );
    let made = |parameters: &str| {
        format!(
            "class Box:\n    def __init__({parameters}):\n        self.k = 1\n    def rect(self, w, h):\n        return w * h\n"
        )
    };
    assert_bound(&made("self"), "Box().rect");
    assert_bound(&made("self, k=1"), "Box().rect");
    assert_plain(&made("self, k"));
    assert_plain("class Box:\n    def _rect(self, w, h):\n        return w * h\n");
    assert_bound(&format!("{class}\ndef rect(w, h):\n    return w * h\n"), "rect");
    let more = format!("{class}    def other(self, a, b):\n        return a\n");
    assert_bound(&more, "Solution().area");
}

#[test]
fn an_answer_that_has_the_entry_point_is_left_alone() {
    let body = "    return w * h\n";
    let other = "def rect(w, h):\n    return w + h\n";
    for text in [
        RIGHT.to_owned(),
        format!("{RIGHT}{other}"),
        format!("{other}{RIGHT}"),
        format!("{other}area = rect\n"),
        "area = lambda w, h: w * h\n".to_owned(),
        body.to_owned(),
        format!("{body}\n{other}"),
        format!("```python\n{other}```\nor\n```python\n{RIGHT}```\n"),
        "def area(w):\n    return w\n".to_owned(),
        String::new(),
        "I cannot help with that.".to_owned(),
    ] {
        assert_plain(&text);
    }
}

#[test]
fn what_was_cut_off_or_left_empty_is_not_meant() {
    assert_plain("def rect(w, h):\n    pass\n");
    assert_plain("def rect(w, h):\n    \"\"\"Multiply.\"\"\"\n");
    assert_plain("def rect(w, h):\n    return w *");
    let whole = "def rect(w, h):\n    return w * h\n";
    assert_bound(&format!("{whole}{whole}"), "rect");
}

/// Texts of definitions, blocks and prose.
fn text() -> impl Strategy<Value = String> {
    let lines = vec![
        "def rect(w, h):\n    return w * h\n",
        "def rect(w, h):\n    pass\n",
        "def Area(w, h):\n    return w * h\n",
        "def twice(x):\n    return 2 * x\n",
        "class Solution:\n    def area(self, w, h):\n        return w * h\n",
        "area = rect\n",
        "print(rect(1, 2))\n",
        "    return w * h\n",
        "return w * h\n",
        "import math\n",
        "```python\n",
        "```\n",
        "Here it is:\n",
        "rect(1, 2)\n",
        "if True:\n    rect(2, 2)\n",
        "</think>\n",
        "<|im_end|>\n",
        "def rect(w, h):\n    return w *\n",
    ];
    prop::collection::vec(prop::sample::select(lines), 0..10).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn where_the_entry_point_is_there_nothing_changes(text in text(), at in 0_usize..3) {
        let text = match at {
            0 => format!("{RIGHT}{text}"),
            1 => format!("{text}\n{RIGHT}"),
            _ => format!("```python\n{RIGHT}```\n{text}"),
        };
        let plain = Extraction::Plain.program(&problem(), &text);
        if plain.contains("def area(w, h):\n    return w * h\n") {
            prop_assert_eq!(Extraction::Aligned.program(&problem(), &text), plain);
        }
    }

    #[test]
    fn an_aligned_program_is_left_as_it_is(text in text()) {
        let once = Extraction::Aligned.program(&problem(), &text);
        for again in [Extraction::Aligned, Extraction::Plain] {
            prop_assert_eq!(&again.program(&problem(), &once), &once);
        }
    }
}
