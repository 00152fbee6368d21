use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RetrievalError;

/// A piece of text that can be put into a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Passage {
    /// Names the passage among all passages of an index.
    pub id: String,
    /// What the text is about, such as a signature or a heading.
    pub title: String,
    /// The text itself.
    pub text: String,
}

impl Passage {
    /// Title and text on lines of their own: what is searched, and what a prompt should show.
    pub fn content(&self) -> String {
        format!("{}\n{}", self.title, self.text)
    }
}

/// Reads passages from JSON lines, one object with the strings `id`, `title` and `text` each.
///
/// Other fields and blank lines are passed over; the order is kept.
///
/// # Errors
/// All name the line: [`RetrievalError::Json`] for a line that is not a JSON object,
/// [`RetrievalError::Field`] for a missing or non-string field, [`RetrievalError::DuplicateId`] for
/// an id seen before.
pub fn parse_passages(jsonl: &str) -> Result<Vec<Passage>, RetrievalError> {
    let mut passages = Vec::new();
    let mut first_lines = HashMap::new();
    for (line, json) in (1..).zip(jsonl.lines()) {
        if json.trim().is_empty() {
            continue;
        }
        let passage = parse_passage(line, json)?;
        if let Some(first_line) = first_lines.insert(passage.id.clone(), line) {
            return Err(RetrievalError::DuplicateId { id: passage.id, line, first_line });
        }
        passages.push(passage);
    }
    Ok(passages)
}

fn parse_passage(line: usize, json: &str) -> Result<Passage, RetrievalError> {
    // By hand rather than derived: the derived error does not name a field of the wrong type.
    let mut object: Map<String, Value> =
        serde_json::from_str(json).map_err(|source| RetrievalError::Json { line, source })?;
    let mut take = |field| match object.remove(field) {
        Some(Value::String(value)) => Ok(value),
        _ => Err(RetrievalError::Field { line, field }),
    };
    Ok(Passage { id: take("id")?, title: take("title")?, text: take("text")? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_in_order_with_blank_ones_and_other_fields() {
        let jsonl = "{\"id\": \"b\", \"title\": \"B\", \"text\": \"one\", \"tag\": 1}\r\n\n\
                     {\"id\": \"a\", \"title\": \"\", \"text\": \"two\"}\n";
        let passages = parse_passages(jsonl).unwrap();
        let contents: Vec<String> = passages.iter().map(Passage::content).collect();
        assert_eq!(contents, ["B\none", "\ntwo"]);
        assert_eq!(passages[1].id, "a");
        assert_eq!(parse_passages("\n").unwrap(), []);
    }

    #[test]
    fn errors_name_line_and_field() {
        let good = "{\"id\": \"a\", \"title\": \"\", \"text\": \"\"}\n";
        let message = |second: &str| parse_passages(&format!("{good}{second}")).unwrap_err();
        assert_eq!(
            message("{\"id\": \"b\", \"title\": 3, \"text\": \"\"}").to_string(),
            "line 2 has no string field \"title\"; a passage needs id, title and text"
        );
        assert!(matches!(
            message("{\"id\": \"b\", \"title\": \"\"}"),
            RetrievalError::Field { line: 2, field: "text" }
        ));
        assert!(matches!(message("{\"id\": "), RetrievalError::Json { line: 2, .. }));
        assert!(matches!(message("[]"), RetrievalError::Json { line: 2, .. }));
        assert_eq!(
            message(good).to_string(),
            "line 2 repeats the id \"a\" of line 1; ids must be unique"
        );
    }

    proptest! {
        #[test]
        fn reads_what_serde_writes(texts in prop::collection::vec(".*", 0..8)) {
            let passages: Vec<Passage> = (0..)
                .zip(texts)
                .map(|(id, text)| Passage { id: format!("{id}"), title: "t".into(), text })
                .collect();
            let lines = passages.iter().map(|passage| serde_json::to_string(passage).unwrap());
            let jsonl = lines.collect::<Vec<_>>().join("\n");
            prop_assert_eq!(parse_passages(&jsonl).unwrap(), passages);
        }
    }
}
