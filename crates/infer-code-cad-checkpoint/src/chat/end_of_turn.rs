//! The token that a chat template ends the model's turn with: what the model learned to say when it is done.

use infer_code_cad_decode::TokenId;

use super::{ChatOptions, ChatTemplate, Message, Role};
use crate::tokenizer::Spelling;

/// What is said in the conversations that are looked at: digits, which no filter for letters changes, and more of
/// them than a template writes by itself.
const RULES: &str = "60289413577";
const QUESTION: &str = "48173059262";
const ANSWER: &str = "73051982648";

/// A token as a template may write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The token.
    pub(crate) id: TokenId,
    /// As it is written.
    pub(crate) text: String,
    /// Whether it is special: it stands for no text.
    pub(crate) is_special: bool,
}

/// What a template writes around the content of a turn of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AroundAnswer {
    /// Before the content of the first turn, and between the contents of each two up to the answer.
    before: Vec<String>,
    /// Behind the answer, to the end.
    pub(crate) behind: String,
    /// Whether the beginning of another turn may stand behind the answer.
    goes_on: bool,
}

impl ChatTemplate {
    /// What is written around the model's turn that ends a conversation, then around one that a turn of the
    /// model follows, then one that a turn of the user follows; first without a system message, then with one.
    ///
    /// Conversations that the template refuses, or whose contents it does not write as they are, are left out.
    pub(crate) fn around_answer(&self) -> impl Iterator<Item = AroundAnswer> {
        let turns = [Message::user(QUESTION), Message::assistant(ANSWER)];
        let more = [&turns[..], &[Message::user(QUESTION)]].concat();
        let forms = [(turns.to_vec(), false), (turns.to_vec(), true), (more, false)];
        forms.into_iter().flat_map(move |(turns, add_generation_prompt)| {
            let with_system = [&[Message::system(RULES)], &turns[..]].concat();
            let options = ChatOptions { add_generation_prompt, ..ChatOptions::default() };
            let each = [turns, with_system];
            each.into_iter().filter_map(move |turns| self.around_answer_in(&turns, &options))
        })
    }

    fn around_answer_in(&self, turns: &[Message], options: &ChatOptions) -> Option<AroundAnswer> {
        let text = self.render(turns, options).ok()?;
        let (mut rest, behind) = text.rsplit_once(ANSWER)?;
        let mut before = vec![];
        for turn in turns.iter().take_while(|turn| turn.role != Role::Assistant) {
            // A template may leave a turn out, such as that of the system.
            if let Some((head, tail)) = rest.split_once(&turn.content) {
                before.push(head.to_owned());
                rest = tail;
            }
        }
        before.push(rest.to_owned());
        let is_last = turns.last().is_some_and(|turn| turn.role == Role::Assistant);
        let goes_on = options.add_generation_prompt || !is_last;
        Some(AroundAnswer { before, behind: behind.to_owned(), goes_on })
    }
}

impl AroundAnswer {
    /// The mark that right behind the content stands, blanks passed over; `marks` are matched whole in a text.
    ///
    /// A mark that is text must be all there is, or look like a mark: else ordinary text would do.
    pub(crate) fn end_among(&self, marks: &[Mark]) -> Option<Mark> {
        self.end(|behind| {
            let mark = marks.iter().filter(|mark| mark.is_before(behind)).max_by_key(by_length)?;
            let is_end = mark.is_special || mark.is_all(behind) || looks_like_mark(&mark.text);
            is_end.then_some(mark)
        })
    }

    /// As [`AroundAnswer::end_among`], of tokens that a text may also be cut into: the mark must look like one,
    /// or be all there is and framed like one.
    pub(crate) fn end_among_text(&self, tokens: &[Mark]) -> Option<Mark> {
        self.end(|behind| {
            let here = tokens.iter().filter(|token| token.is_before(behind));
            let is_end = |token: &&Mark| {
                looks_like_mark(&token.text) || token.is_all(behind) && is_framed(&token.text)
            };
            here.filter(is_end).max_by_key(by_length)
        })
    }

    fn end<'m>(&self, first: impl Fn(&str) -> Option<&'m Mark>) -> Option<Mark> {
        let mark = first(&self.behind).or_else(|| first(self.behind.trim_start()))?;
        (!self.goes_on || !self.begins_a_turn(&mark.text)).then(|| mark.clone())
    }

    /// Whether a mark belongs to the beginning of a turn: it stands before the first content, or right before
    /// another.
    fn begins_a_turn(&self, mark: &str) -> bool {
        let mut before = self.before.iter();
        before.next().is_some_and(|first| first.contains(mark))
            || before.any(|between| between.trim_end().ends_with(mark.trim_end()))
    }
}

impl Mark {
    /// A token that is text: as it is spelled, and as it reads where that is something else.
    pub(crate) fn of_text(
        id: TokenId,
        token: String,
        spelling: Option<Spelling>,
    ) -> impl Iterator<Item = Self> {
        let read = spelling.and_then(|spelling| String::from_utf8(spelling.bytes(&token)).ok());
        let read = read.filter(|read| *read != token);
        [Some(token), read].into_iter().flatten().map(move |text| Self {
            id,
            text,
            is_special: false,
        })
    }

    fn is_before(&self, text: &str) -> bool {
        text.starts_with(&self.text) && !self.text.trim().is_empty()
    }

    /// Whether nothing but blanks follows.
    fn is_all(&self, text: &str) -> bool {
        text.strip_prefix(&self.text).is_some_and(|rest| rest.trim().is_empty())
    }
}

fn by_length(mark: &&Mark) -> usize {
    mark.text.len()
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

/// Whether a token has a name between signs that prose does not begin and end with: `###END###`, `|EOT|` and
/// `<end of turn>`, but not `User`, `User:`, `.`, `(a)`, `###` or `#include`.
fn is_framed(text: &str) -> bool {
    const OF_PROSE: &str = ".,:;!?'\"`()";
    let text = text.trim();
    let is_sign = |c: char| !c.is_alphanumeric() && !c.is_control() && !OF_PROSE.contains(c);
    let has_name = text.contains(char::is_alphanumeric);
    has_name && text.starts_with(is_sign) && text.ends_with(is_sign)
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

    /// A turn that ends a conversation.
    fn last(behind: &str) -> AroundAnswer {
        AroundAnswer { before: vec![], behind: behind.into(), goes_on: false }
    }

    fn found(behind: &str) -> Option<TokenId> {
        last(behind).end_among(&marks()).map(|mark| mark.id)
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

    #[test]
    fn a_token_that_is_text_is_an_end_where_it_is_like_a_mark_and_no_prose() {
        let end = |behind: &str, token: &str| {
            last(behind).end_among_text(&[mark(3, token, false)]).map(|mark| mark.id)
        };
        let framed = [
            "##|END|###",
            "###END###",
            "|EOT|",
            "<end of turn>",
            "</s>",
            "[EOS]",
            "<done>",
            "__a__",
        ];
        for token in framed {
            for behind in [token.to_owned(), format!("\n{token}\n")] {
                assert_eq!(end(&behind, token), Some(3), "{behind:?}");
            }
            assert_eq!(end(&format!("{token}x"), token).is_some(), looks_like_mark(token));
        }
        assert_eq!(end(" </s>", " </s>"), Some(3), "with the blank before it");
        for token in [
            "User",
            "\n\nUser:",
            ".",
            "###",
            "\n",
            " ",
            "",
            "(a)",
            "\"a\"",
            "#include",
            "});",
            "é",
            "### a",
            ".a.",
            "a|",
            "|",
            "[]",
        ] {
            assert_eq!(end(token, token), None, "{token:?}");
        }
    }

    fn around(source: &str) -> Vec<AroundAnswer> {
        ChatTemplate::new("a test", source, [].into()).unwrap().around_answer().collect()
    }

    fn behind(source: &str) -> Option<String> {
        around(source).into_iter().next().map(|around| around.behind)
    }

    fn each(body: &str) -> String {
        format!("{{% for m in messages %}}{body}{{% endfor %}}")
    }

    #[test]
    fn what_a_template_writes_behind_an_answer() {
        let chatml = each("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n");
        let prompt = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        assert_eq!(behind(&(chatml + prompt)).unwrap(), "<|im_end|>\n");
        assert_eq!(behind(&each("{{ m.content }}")).unwrap(), "");
        assert_eq!(behind(&each("[{{ m.content | trim }}]\r\n")).unwrap(), "]\n");
        for filter in ["upper", "lower", "capitalize", "title", "trim"] {
            let source = each(&format!("{{{{ m.content | {filter} }}}}<|im_end|>"));
            assert_eq!(behind(&source).unwrap(), "<|im_end|>", "{filter}");
        }
        // One that wants a system message, one that never renders, one that writes no answer.
        let wants = "{% if messages[0].role != 'system' %}{{ raise_exception('no') }}{% endif %}";
        assert_eq!(behind(&(wants.to_owned() + &each("{{ m.content }}</s>"))).unwrap(), "</s>");
        assert_eq!(behind("{{ raise_exception('never') }}"), None);
        assert_eq!(behind("{{ messages[0].content }}"), None);
        assert_eq!(behind("{{ messages[7].content.x }}"), None);
    }

    /// The first mark that any of the conversations shows.
    fn end_in(source: &str, marks: &[&str]) -> Option<String> {
        let marks: Vec<_> = (0..).zip(marks).map(|(id, text)| mark(id, text, true)).collect();
        around(source).iter().find_map(|around| around.end_among(&marks)).map(|mark| mark.text)
    }

    #[test]
    fn a_template_that_refuses_or_ends_one_conversation_is_shown_others() {
        let marks =
            ["<|user|>", "<|assistant|>", "<|system|>", "<|done|>", "<|im_start|>", "<|h|>"];
        let unless = |wanted: &str| {
            format!("{{% if not ({wanted}) %}}{{{{ raise_exception('no') }}}}{{% endif %}}")
        };
        let system = unless("messages[0].role == 'system'");
        let headers =
            ["<|{{ m.role }}|>\n", "<|im_start|>{{ m.role }}\n", "<|h|>{{ m.role }}<|x|>"];
        for header in headers {
            let turns = |end: &str| each(&format!("{header}{{{{ m.content }}}}{end}\n"));
            let prompt = "{% if add_generation_prompt %}".to_owned()
                + &header.replace("{{ m.role }}", "assistant")
                + "{% endif %}";
            for source in [
                turns("<|done|>") + &prompt,
                unless("add_generation_prompt") + &turns("<|done|>") + &prompt,
                unless("add_generation_prompt") + &turns("<|done|>"),
                unless("messages[-1].role == 'user'") + &turns("<|done|>"),
                turns("{% if not loop.last %}<|done|>{% endif %}") + &prompt,
                each(&format!(
                    "{{% if m.role == 'user' and not loop.first %}}<|done|>{{% endif %}}\
                     {header}{{{{ m.content }}}}",
                )),
            ] {
                for source in [system.clone() + &source, source] {
                    assert_eq!(end_in(&source, &marks).as_deref(), Some("<|done|>"), "{source}");
                }
            }
            // What begins the next turn does not end one.
            for source in
                [turns("") + &prompt, unless("add_generation_prompt") + &turns("") + &prompt]
            {
                for source in [system.clone() + &source, source] {
                    assert_eq!(end_in(&source, &marks), None, "{source}");
                }
            }
        }
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
            prop_assert_eq!(last(&text).end_among(&special), None);
            let words: Vec<_> = (1..=text.len()).map(|len| mark(1, &text[..len], false)).collect();
            prop_assume!(!is_framed(&text));
            prop_assert_eq!(last(&text).end_among_text(&words), None);
        }
    }
}
