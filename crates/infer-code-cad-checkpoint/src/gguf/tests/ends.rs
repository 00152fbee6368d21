//! The ends of text of a GGUF file: keys, texts, and what the chat template writes behind an answer.

use super::strings::{all, model, open, sentence_piece, strings};
use super::*;
use crate::{ChatOptions, Checkpoint, Message};

const TURNS: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}END\n{% endfor %}\
                     {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

fn turns(end: &str) -> String {
    TURNS.replace("END", end)
}

/// A SentencePiece file of marks and two letters, whose token 3 has this text and type.
fn file(text: &'static [u8], kind: i32, template: &str) -> Writer {
    let tokens = all(&[text, b"<|im_start|>", b"a", b"b", b"\n"]);
    sentence_piece("", &tokens, &[2, 3, 3, kind, kind, 1, 1, 1])
        .u32("tokenizer.ggml.eos_token_id", 2)
        .pair("tokenizer.chat_template", 8, &string(template))
}

#[test]
fn the_end_of_a_turn_is_an_end_of_text_whatever_its_type() {
    // Normal, control, user-defined and unused; known by its text to llama.cpp and to nobody.
    for kind in [1, 3, 4, 5] {
        for text in ["<|im_end|>", "<|done|>", "##|END|###", "###END###", "|EOT|", "<end of turn>"]
        {
            let checkpoint = open(&file(text.as_bytes(), kind, &turns(text)));
            assert_eq!(checkpoint.eos_token_ids(), [2, 3], "{text} of type {kind}");
            let tokenizer = checkpoint.tokenizer().unwrap();
            let template = checkpoint.chat_template().unwrap().unwrap();
            let said = [Message::user("a"), Message::assistant("b")];
            let text = template.render(&said, &ChatOptions::default()).unwrap();
            let ids = tokenizer.encode_plain(&text).unwrap();
            assert_eq!(ids.iter().filter(|&&id| id == 3).count(), 2, "type {kind}: {ids:?}");
            assert_eq!(tokenizer.token_bytes(3), b"", "an end is no text");
        }
    }
}

#[test]
fn every_key_names_an_end_and_a_minus_one_none() {
    for (key, ends) in [("eos", &[3][..]), ("eot", &[2, 3]), ("eom", &[2, 3])] {
        let name = format!("tokenizer.ggml.{key}_token_id");
        let file = sentence_piece("", &all(&[b"<|done|>", b"a"]), &[2, 3, 3, 1, 1]);
        let checkpoint = open(&file.clone().u32(&name, 3));
        assert_eq!(checkpoint.eos_token_ids(), ends, "{key}");
        let ids = checkpoint.tokenizer().unwrap().encode_plain("a<|done|>").unwrap();
        assert_eq!(ids, [4, 3], "{key}: matched whole though of type normal");
        assert_eq!(open(&file.u32(&name, u32::MAX)).eos_token_ids(), [2], "{key}");
    }
    // A key that names text leaves it text.
    let file = sentence_piece("", &all(&[b"a"]), &[2, 3, 3, 1]);
    let checkpoint = open(&file.u32("tokenizer.ggml.eot_token_id", 3));
    assert_eq!(checkpoint.eos_token_ids(), [2, 3]);
    assert_eq!(checkpoint.tokenizer().unwrap().token_bytes(3), b"a");
}

#[test]
fn ordinary_text_behind_an_answer_is_no_end() {
    for end in ["", "\n", "\n\na:", "a", "b a", "\n\nUser: "] {
        let checkpoint = open(&file(b"<|done|>", 3, &turns(end).replace("<|im_start|>", "")));
        assert_eq!(checkpoint.eos_token_ids(), [2], "{end:?}");
    }
    for template in ["{{ raise_exception('no') }}", "{{ messages[0].content }}", "{% if %}"] {
        assert_eq!(open(&file(b"<|done|>", 3, template)).eos_token_ids(), [2], "{template}");
    }
}

#[test]
fn a_sentence_piece_file_that_names_no_special_token_has_those_of_llama_cpp() {
    let silent = || sentence_piece("", &all(&[b"<|im_start|>", b"a"]), &[2, 3, 3, 3, 1]);
    assert_eq!(open(&silent()).eos_token_ids(), [2]);
    let source = string("{{ bos_token }}{{ eos_token }}{{ unk_token }}");
    for file in [silent(), silent().u32("tokenizer.ggml.eos_token_id", u32::MAX)] {
        let checkpoint = open(&file.pair("tokenizer.chat_template", 8, &source));
        assert_eq!(checkpoint.eos_token_ids(), [2]);
        let template = checkpoint.chat_template().unwrap().unwrap();
        let text = template.render(&[Message::user("a")], &ChatOptions::default()).unwrap();
        assert_eq!(text, "<s></s><unk>");
    }
    let turns = string(&turns("{{ eos_token }}"));
    let checkpoint = open(&silent().pair("tokenizer.chat_template", 8, &turns));
    assert_eq!(checkpoint.eos_token_ids(), [2]);
    // One too small for it, and one of bytes, have no such token.
    assert!(open(&sentence_piece("", &[b"a", b"b"], &[1, 1])).eos_token_ids().is_empty());
    let bytes =
        model("", &all(&[b"a"]), &[3, 3, 3, 1]).pair("tokenizer.ggml.model", 8, &string("gpt2"));
    assert!(open(&bytes).eos_token_ids().is_empty());
}

/// A byte-level file of these tokens and the bytes `a`, `b` and blank, whose template ends turns so.
fn byte_level(tokens: &[&str], merges: &[&str], end: &str) -> Checkpoint {
    let marks = ["<|im_start|>", "a", "b", "Ċ", "Ġ"];
    let tokens: Vec<&[u8]> = marks.iter().chain(tokens).map(|token| token.as_bytes()).collect();
    let merges: Vec<&[u8]> = merges.iter().map(|merge| merge.as_bytes()).collect();
    let types: Vec<i32> = (0..tokens.len()).map(|id| if id == 0 { 3 } else { 1 }).collect();
    let file = model("", &tokens, &types)
        .pair("tokenizer.ggml.model", 8, &string("gpt2"))
        .pair("tokenizer.ggml.pre", 8, &string("gpt-2"))
        .pair("tokenizer.ggml.merges", 9, &strings(&merges))
        .pair("tokenizer.chat_template", 8, &string(&turns(end)));
    open(&file)
}

#[test]
fn the_end_of_a_turn_may_be_formed_of_text() {
    // Two pieces that are tokens make each of these.
    for (text, left, right) in [
        ("</s>", "</", "s>"),
        ("[EOS]", "[E", "OS]"),
        ("<done>", "<d", "one>"),
        ("|EOT|", "|", "EOT|"),
    ] {
        let pieces = [text, left, right].map(str::as_bytes);
        let marks: &[&[u8]] = &[b"<unk>", b"<s>", b"<eos>", b"<|im_start|>", b"a", b"b", b"\n"];
        let file = sentence_piece("", &[marks, &pieces].concat(), &[2, 3, 3, 3, 1, 1, 1, 1, 1, 1])
            .pair("tokenizer.chat_template", 8, &string(&turns(text)));
        let checkpoint = open(&file);
        assert_eq!(checkpoint.eos_token_ids(), [2, 7], "{text}");
        let ids = checkpoint.tokenizer().unwrap().encode_plain(&format!("a{text}b")).unwrap();
        assert_eq!(ids, [4, 7, 5], "{text}");

        let merge = format!("{left} {right}");
        let checkpoint = byte_level(&[text, left, right], &[&merge], text);
        assert_eq!(checkpoint.eos_token_ids(), [5], "{text}");
        let tokenizer = checkpoint.tokenizer().unwrap();
        assert_eq!(tokenizer.encode_plain(&format!("a{text}b")).unwrap(), [1, 5, 2], "{text}");
        assert_eq!(tokenizer.token_bytes(5), b"");
    }
}

#[test]
fn the_end_of_a_turn_is_known_by_what_its_spelling_stands_for() {
    let (text, tokens) = ("<end é>", ["<endĠÃ©>", "<end", "ĠÃ©>", "<endĠÃ©>a", "ĊĊ"]);
    let checkpoint = byte_level(&tokens, &["<end ĠÃ©>", "<endĠÃ©> a", "Ċ Ċ"], text);
    assert_eq!(checkpoint.eos_token_ids(), [5]);
    let tokenizer = checkpoint.tokenizer().unwrap();
    assert_eq!(tokenizer.encode_plain("a<end é> b").unwrap(), [1, 5, 4, 2]);
    assert_eq!(tokenizer.token_bytes(5), b"");
    // In SentencePiece a bar is a blank.
    let tokens = all(&["<end▁x>".as_bytes(), b"<|im_start|>", b"a", b"b", b"\n"]);
    let file = sentence_piece("", &tokens, &[2, 3, 3, 1, 3, 1, 1, 1]).pair(
        "tokenizer.chat_template",
        8,
        &string(&turns("<end x>")),
    );
    let checkpoint = open(&file);
    assert_eq!(checkpoint.eos_token_ids(), [2, 3]);
    assert_eq!(checkpoint.tokenizer().unwrap().encode_plain("a<end x>b").unwrap(), [5, 3, 6]);
}

#[test]
fn a_word_behind_an_answer_that_is_one_token_is_no_end() {
    for text in ["User", "User:", ".", "###", "#include", "(a)", "a"] {
        let tokens = all(&[text.as_bytes(), b"<|im_start|>", b"x", b"b", b"\n"]);
        for kind in [1, 5] {
            let file = sentence_piece("", &tokens, &[2, 3, 3, kind, 3, 1, 1, 1]).pair(
                "tokenizer.chat_template",
                8,
                &string(&turns(text)),
            );
            assert_eq!(open(&file).eos_token_ids(), [2], "{text}");
        }
    }
}

#[test]
fn an_unwilling_template_has_its_end_found() {
    let refuse =
        |when: &str| format!("{{% if {when} %}}{{{{ raise_exception('no') }}}}{{% endif %}}");
    for template in [
        refuse("not add_generation_prompt") + &turns("<|done|>"),
        refuse("messages[-1].role != 'user'") + &turns("<|done|>"),
        turns("{% if not loop.last %}<|done|>{% endif %}"),
        turns("<|done|>").replace("m.content", "m.content | upper"),
    ] {
        for kind in [1, 3, 4, 5] {
            let checkpoint = open(&file(b"<|done|>", kind, &template));
            assert_eq!(checkpoint.eos_token_ids(), [2, 3], "{template}");
        }
    }
    // Where no turn has an end, the beginning of the next is none.
    assert_eq!(open(&file(b"<|done|>", 3, &turns(""))).eos_token_ids(), [2]);
}

#[test]
fn a_file_that_adds_eos_adds_none_to_a_prompt() {
    let file = file(b"<|done|>", 3, &turns("<|done|>"))
        .u32("tokenizer.ggml.bos_token_id", 1)
        .pair("tokenizer.ggml.add_bos_token", 7, &[1])
        .pair("tokenizer.ggml.add_eos_token", 7, &[1]);
    let tokenizer = open(&file).tokenizer().unwrap();
    assert_eq!(tokenizer.encode("ab").unwrap(), [1, 5, 6]);
    assert_eq!(tokenizer.encode("").unwrap(), [1]);
    assert_eq!(tokenizer.encode_with_offsets("a").unwrap(), [(1, 0..0), (5, 0..1)]);
    // What a prompt does not need is not asked for.
    let file = sentence_piece("", &all(&[b"a"]), &[2, 3, 3, 1])
        .u32("tokenizer.ggml.eos_token_id", u32::MAX)
        .pair("tokenizer.ggml.add_eos_token", 7, &[1]);
    assert_eq!(open(&file).tokenizer().unwrap().encode("a").unwrap(), [1, 3]);
}

#[test]
fn a_tokenizer_config_beside_a_file_has_its_say() {
    let bytes = file(b"<|done|>", 4, "{{ messages[0].content }}").finish();
    let checkpoint = Checkpoint::from_gguf_bytes(&bytes).unwrap();
    assert_eq!(checkpoint.eos_token_ids(), [2]);
    let config = serde_json::json!({"chat_template": turns("<|done|>")}).to_string();
    let checkpoint = checkpoint.with_tokenizer_config(config);
    assert_eq!(checkpoint.eos_token_ids(), [2, 3]);
    let checkpoint = checkpoint.with_tokenizer_config(r#"{"eos_token": "<s>"}"#);
    assert_eq!(checkpoint.eos_token_ids(), [2, 1]);
}

#[test]
fn a_template_with_crlf_means_lf() {
    let source = turns("<|done|>").replace('\n', "\r\n");
    let template = open(&file(b"<|done|>", 3, &source)).chat_template().unwrap().unwrap();
    let text = template.render(&[Message::user("a")], &ChatOptions::default()).unwrap();
    assert_eq!(text, "<|im_start|>user\na<|done|>\n<|im_start|>assistant\n");
}
