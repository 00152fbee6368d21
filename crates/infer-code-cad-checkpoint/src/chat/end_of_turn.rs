//! The token that a chat template ends the model's turn with: what the model learned to say when it is done.

use infer_code_cad_decode::TokenId;

use super::{ChatOptions, ChatTemplate, Message};

/// What the model says in the conversation that is looked at; no template changes it.
const ANSWER: &str = "zxqanswerqxz";

/// A token that is matched whole in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The token.
    pub(crate) id: TokenId,
    /// As it is written.
    pub(crate) text: String,
    /// Whether it is special: it stands for no text.
    pub(crate) is_special: bool,
}

impl ChatTemplate {
    /// What is written behind the content of a turn of the model that ends the conversation; none where the
    /// template refuses such a conversation, or does not write the content as it is.
    pub(crate) fn behind_answer(&self) -> Option<String> {
        let options = ChatOptions { add_generation_prompt: false, ..ChatOptions::default() };
        let turns = [Message::user("question"), Message::assistant(ANSWER)];
        let with_system = [&[Message::system("rules")], &turns[..]].concat();
        let text = self.render(&turns, &options).or_else(|_| self.render(&with_system, &options));
        let text = text.ok()?;
        let (_, behind) = text.rsplit_once(ANSWER)?;
        Some(behind.to_owned())
    }
}

/// The mark that `behind`, what stands behind the content of a turn, begins with; blanks before it are passed
/// over. A mark that is text must be all there is, or look like a mark: else ordinary text would do.
pub(crate) fn end_of_turn(behind: &str, marks: &[Mark]) -> Option<TokenId> {
    let first = |behind: &str| {
        let here = marks.iter().filter(|mark| !mark.text.trim().is_empty());
        let here = here.filter(|mark| behind.starts_with(&mark.text));
        let mark = here.max_by_key(|mark| mark.text.len())?;
        let is_all = behind[mark.text.len()..].trim().is_empty();
        (mark.is_special || is_all || looks_like_mark(&mark.text)).then_some(mark.id)
    };
    first(behind).or_else(|| first(behind.trim_start()))
}

/// Whether a token looks like `<|im_end|>`, `</s>` or `[EOS]` and not like a word.
pub(crate) fn looks_like_mark(text: &str) -> bool {
    const BRACKETS: [(char, char); 3] = [('<', '>'), ('[', ']'), ('{', '}')];
    let has_name = text.chars().any(char::is_alphanumeric);
    let is_one_word = !text.contains(char::is_whitespace);
    let between =
        BRACKETS.iter().any(|&(open, close)| text.starts_with(open) && text.ends_with(close));
    has_name && is_one_word && between
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(id: TokenId, text: &str, is_special: bool) -> Mark {
        Mark { id, text: text.into(), is_special }
    }

    fn marks() -> Vec<Mark> {
        vec![
            mark(1, "<|im_end|>", true),
            mark(2, "<|im_end|><|x|>", true),
            mark(3, "<|end|>", false),
            mark(4, "User", false),
            mark(5, "\n\n", false),
            mark(6, " ", true),
            mark(7, "\n\nUser:", false),
            mark(8, "", true),
        ]
    }

    fn found(behind: &str) -> Option<TokenId> {
        end_of_turn(behind, &marks())
    }

    #[test]
    fn the_longest_mark_right_behind_the_content_ends_the_turn() {
        assert_eq!(found("<|im_end|>"), Some(1));
        assert_eq!(found("<|im_end|>\n"), Some(1));
        assert_eq!(found("\n<|im_end|>\nmore"), Some(1), "as DeepSeek-Coder has it");
        assert_eq!(found("<|im_end|><|x|>"), Some(2));
        assert_eq!(found("<|end|>\n<|user|>"), Some(3));
    }

    #[test]
    fn ordinary_text_ends_no_turn_by_its_first_token() {
        for behind in
            ["", "\n", " ", "\n\n", "\n\nUser: ", "User: ", "\n\nAssistant", "x<|im_end|>"]
        {
            assert_eq!(found(behind), (behind == "\n\nUser: ").then_some(7), "{behind:?}");
        }
        // But for text that is one token of the vocabulary.
        assert_eq!(found("\n\nUser:"), Some(7));
        assert_eq!(found("User"), Some(4));
    }

    fn behind(source: &str) -> Option<String> {
        ChatTemplate::new("a test", source, [].into()).unwrap().behind_answer()
    }

    #[test]
    fn what_a_template_writes_behind_an_answer() {
        let each = |body: &str| format!("{{% for m in messages %}}{body}{{% endfor %}}");
        let chatml = each("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n");
        let prompt = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        assert_eq!(behind(&(chatml + prompt)).unwrap(), "<|im_end|>\n");
        assert_eq!(behind(&each("{{ m.content }}")).unwrap(), "");
        assert_eq!(behind(&each("[{{ m.content | trim }}]\r\n")).unwrap(), "]\n");
        // One that wants a system message, one that never renders, one that writes no answer.
        let wants = "{% if messages[0].role != 'system' %}{{ raise_exception('no') }}{% endif %}";
        assert_eq!(behind(&(wants.to_owned() + &each("{{ m.content }}</s>"))).unwrap(), "</s>");
        assert_eq!(behind("{{ raise_exception('never') }}"), None);
        assert_eq!(behind("{{ messages[0].content }}"), None);
        assert_eq!(behind(&each("{{ m.content | upper }}<|im_end|>")), None);
        assert_eq!(behind("{{ messages[7].content.x }}"), None);
    }

    #[test]
    fn marks_are_told_from_words() {
        for text in ["<|im_end|>", "</s>", "[EOS]", "<EOT>", "<｜end▁of▁sentence｜>"] {
            assert!(looks_like_mark(text), "{text}");
        }
        for text in ["User:", "###", "<>", "\n\n", "==>", "});", "< a >", "[", "", "▁<x>"] {
            assert!(!looks_like_mark(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_special_mark_is_found_behind_blanks_and_before_anything(
            blanks in "[ \n\t]{0,3}", more in "([^<].{0,5})?",
        ) {
            prop_assert_eq!(found(&format!("{blanks}<|im_end|>{more}")), Some(1));
        }

        #[test]
        fn without_a_mark_nothing_ends(text in "[a-zA-Z :#\n]{0,12}") {
            let special = [mark(1, "<|im_end|>", true)];
            prop_assert_eq!(end_of_turn(&text, &special), None);
        }
    }
}
