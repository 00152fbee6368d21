//! Inputs that the model itself writes.

use std::sync::Arc;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_decode::Nucleus;
use infer_code_cad_tasks::{Literal, Problem, TestCall};

use crate::{DraftRequest, PromptError, Prompted, Writer};

/// Ten tuples of arguments take about 150.
const MOST_TOKENS: usize = 300;

/// One completion that lists arguments. The answer is opened, so that a model goes on with the
/// list.
pub(super) fn request(problem: &Problem, writer: &dyn Writer) -> Result<DraftRequest, PromptError> {
    let Problem { prompt, entry_point, .. } = problem;
    let ask = format!(
        "{prompt}\n\nWrite a Python list of 10 varied argument tuples for {entry_point}: each tuple \
         has the arguments of one call, as literals."
    );
    let stream = writer.chat(&[Message::user(ask)], "```python\narguments = [")?;
    let mut request = DraftRequest::new(1, 0..1);
    request.prompt = Some(Prompted::new(vec![stream]));
    request.decoder =
        Some(Arc::new(Nucleus { temperature: 0.8, top_p: 0.95, ..Nucleus::default() }));
    request.max_new_tokens = Some(MOST_TOKENS);
    request.stop = Some(vec!["```".to_owned(), "\n\n".to_owned()]);
    Ok(request)
}

/// The calls with the tuples of a list that has been opened. What is no literal is left out, and so
/// is a tuple that is cut off; a value without brackets is the one argument.
pub(super) fn calls(written: &str, function: &str) -> Vec<String> {
    let literals = elements(written).into_iter().filter_map(|text| Literal::parse(&text));
    let values = literals.map(|literal| match literal {
        Literal::Tuple(parts) => parts,
        one => vec![one],
    });
    let values = values.map(|values| values.into_iter().map(|value| value.to_string()));
    values.map(|values| TestCall::new(function, values).to_string()).collect()
}

/// What stands between the commas of a list up to its end, comments left out.
fn elements(written: &str) -> Vec<String> {
    let (mut found, mut element, mut depth) = (Vec::new(), String::new(), 0_usize);
    let (mut quote, mut escaped) = (None, false);
    let mut characters = written.chars();
    while let Some(c) = characters.next() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote.is_some() => escaped = true,
            _ if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            '\'' | '"' => quote = Some(c),
            '#' => {
                characters.by_ref().find(|c| *c == '\n');
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ',' if depth == 0 => {
                found.push(std::mem::take(&mut element));
                continue;
            }
            ')' | ']' | '}' if depth == 0 => {
                found.push(element);
                return found;
            }
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        element.push(c);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_of_a_list_become_calls() {
        for (written, expected) in [
            (
                "\n    (1, 'a,]'), # one\n    ([],),\n    ('it\\'s',),\n]\nprint((3,))",
                "f(1, 'a,]') f([]) f('it\\'s')",
            ),
            ("1, [2, 3], (4)]", "f(1) f([2, 3]) f(4)"),
            ("(1,), (x,), (2,), (3", "f(1) f(2)"),
            ("(), {'a': (1, 2)}]", "f() f({'a': (1, 2)})"),
            ("'# no comment',]", "f('# no comment')"),
            ("", ""),
            ("]", ""),
        ] {
            assert_eq!(calls(written, "f").join(" "), expected, "{written}");
        }
    }
}
