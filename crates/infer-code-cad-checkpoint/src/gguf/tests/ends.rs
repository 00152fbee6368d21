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
        for text in ["<|im_end|>", "<|done|>"] {
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
    for key in ["eos", "eot", "eom"] {
        let name = format!("tokenizer.ggml.{key}_token_id");
        let file = sentence_piece("", &all(&[b"<|done|>", b"a"]), &[2, 3, 3, 1, 1]);
        let checkpoint = open(&file.clone().u32(&name, 3));
        assert_eq!(checkpoint.eos_token_ids(), [3], "{key}");
        let ids = checkpoint.tokenizer().unwrap().encode_plain("a<|done|>").unwrap();
        assert_eq!(ids, [4, 3], "{key}: matched whole though of type normal");
        assert!(open(&file.u32(&name, u32::MAX)).eos_token_ids().is_empty());
    }
    // A key that names text leaves it text.
    let file = sentence_piece("", &all(&[b"a"]), &[2, 3, 3, 1]);
    let checkpoint = open(&file.u32("tokenizer.ggml.eot_token_id", 3));
    assert_eq!(checkpoint.eos_token_ids(), [3]);
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
fn what_text_leads_to_is_no_mark() {
    // `<b>` is of two pieces that are tokens, so that text makes it.
    let tokens = all(&[b"<b>", b"<", b"b>", b"a"]);
    let file = sentence_piece("", &tokens, &[2, 3, 3, 1, 1, 1, 1])
        .u32("tokenizer.ggml.eos_token_id", 2)
        .pair("tokenizer.chat_template", 8, &string(&turns("<b>").replace("<|im_start|>", "")));
    assert_eq!(open(&file).eos_token_ids(), [2]);
    // The same by merges.
    let byte_level = |merges: &[&[u8]]| {
        let tokens: [&[u8]; 5] = [b"<s>", b"<b>", b"<", b"b>", b"a"];
        let template = string(&turns("<b>").replace("<|im_start|>", ""));
        let file = model("", &tokens, &[3, 1, 1, 1, 1])
            .pair("tokenizer.ggml.model", 8, &string("gpt2"))
            .pair("tokenizer.ggml.pre", 8, &string("gpt-2"))
            .pair("tokenizer.ggml.merges", 9, &strings(merges))
            .pair("tokenizer.chat_template", 8, &template);
        open(&file).eos_token_ids().to_vec()
    };
    assert_eq!(byte_level(&[b"< b>"]), [] as [TokenId; 0]);
    assert_eq!(byte_level(&[b"b >"]), [1]);
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
