//! The ends of text of a directory: whichever file names one, and what the chat template writes behind an
//! answer. And what begins and ends a prompt.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use infer_code_cad_checkpoint::{ChatOptions, Checkpoint, Message};
use serde_json::{Value, json};
use tempfile::TempDir;

fn added(id: u32, content: &str, special: bool) -> Value {
    json!({"id": id, "content": content, "special": special, "single_word": false,
           "lstrip": false, "rstrip": false, "normalized": false})
}

/// Printable ASCII, a BOS and ends that are special, and added tokens that are text.
fn tokenizer(post_processor: &Value) -> String {
    let alphabet: serde_json::Map<String, Value> =
        ('!'..='~').enumerate().map(|(id, c)| (c.to_string(), json!(id))).collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": false});
    let added = json!([
        added(94, "<bos>", true),
        added(95, "</s>", true),
        added(96, "<|im_end|>", true),
        added(97, "<|done|>", false),
        added(98, "User", false),
        added(99, "\n\n", false),
    ]);
    json!({
        "version": "1.0", "added_tokens": added, "normalizer": null, "pre_tokenizer": level,
        "post_processor": post_processor, "decoder": level,
        "model": {"type": "BPE", "vocab": alphabet, "merges": []},
    })
    .to_string()
}

/// A model of random weights with these files beside it; `config.json` names these ends.
fn open(config_eos: &Value, files: &[(&str, String)]) -> (TempDir, Checkpoint) {
    let dir = tempfile::tempdir().unwrap();
    let llama = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama");
    let config = fs::read(llama.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    config["eos_token_id"] = config_eos.clone();
    fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    fs::copy(llama.join("model.safetensors"), dir.path().join("model.safetensors")).unwrap();
    fs::write(dir.path().join("tokenizer.json"), tokenizer(&Value::Null)).unwrap();
    for (file, content) in files {
        fs::write(dir.path().join(file), content).unwrap();
    }
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    (dir, checkpoint)
}

fn ends(config_eos: &Value, files: &[(&str, Value)]) -> Vec<u32> {
    let files: Vec<_> = files.iter().map(|(name, json)| (*name, json.to_string())).collect();
    open(config_eos, &files).1.eos_token_ids().to_vec()
}

fn turns(end: &str) -> String {
    format!("{{% for m in messages %}}[{{{{ m.role }}}}]\n{{{{ m.content }}}}{end}{{% endfor %}}")
}

fn with_template(source: &str) -> Vec<u32> {
    ends(&json!(7), &[("tokenizer_config.json", json!({"chat_template": source}))])
}

#[test]
fn whichever_file_names_an_end_it_is_one() {
    let generation = |eos: Value| ("generation_config.json", json!({"eos_token_id": eos}));
    let config = |eos: Value| ("tokenizer_config.json", json!({"eos_token": eos}));
    assert_eq!(ends(&json!(95), &[]), [95]);
    assert_eq!(ends(&json!([95, 96]), &[]), [95, 96]);
    assert_eq!(ends(&json!(95), &[generation(json!([96, 95]))]), [96, 95]);
    assert_eq!(ends(&json!(95), &[config(json!("<|im_end|>"))]), [95, 96]);
    assert_eq!(ends(&json!(null), &[config(json!({"content": "<|im_end|>"}))]), [96]);
    assert_eq!(ends(&json!(-1), &[config(json!("<|im_end|>"))]), [96]);
    assert_eq!(ends(&json!(95), &[generation(json!(7)), config(json!("<|im_end|>"))]), [7, 96]);
    assert_eq!(ends(&json!(96), &[config(json!("<|im_end|>"))]), [96], "named twice, it is one");
    let map = ("special_tokens_map.json", json!({"eos_token": "<|im_end|>"}));
    assert_eq!(ends(&json!(95), &[map]), [95, 96]);
    for unknown in [json!("<eos>"), json!(null), json!(3)] {
        assert_eq!(ends(&json!(95), &[config(unknown)]), [95]);
    }
}

#[test]
fn the_end_of_a_turn_that_the_template_writes_is_one() {
    assert_eq!(with_template(&turns("<|im_end|>")), [7, 96]);
    assert_eq!(with_template(&turns("<|im_end|>\n")), [7, 96]);
    assert_eq!(with_template(&turns("\n<|im_end|>\n")), [7, 96]);
    assert_eq!(with_template(&turns("<|done|>\n")), [7, 97], "added, though not special");
    let strict = "{% if messages[0].role != 'user' %}{{ raise_exception('no') }}{% endif %}";
    assert_eq!(with_template(&(strict.to_owned() + &turns("<|im_end|>"))), [7, 96]);
    for source in [
        "{% if not add_generation_prompt %}{{ raise_exception('no') }}{% endif %}".to_owned()
            + &turns("</s>"),
        "{% if messages[-1].role != 'user' %}{{ raise_exception('no') }}{% endif %}".to_owned()
            + &turns("</s>"),
        turns("{% if not loop.last %}</s>{% endif %}"),
        turns("</s>").replace("m.content", "m.content | title"),
    ] {
        assert_eq!(with_template(&source), [7, 95], "{source}");
    }
    let by_name = json!({"chat_template": turns("{{ eos_token }}"), "eos_token": "</s>"});
    assert_eq!(ends(&json!(7), &[("tokenizer_config.json", by_name)]), [7, 95]);
    let both = json!({"chat_template": turns("<|im_end|>"), "eos_token": "</s>"});
    assert_eq!(ends(&json!(7), &[("tokenizer_config.json", both)]), [7, 95, 96]);
    let list = json!([{"name": "tools", "template": turns("</s>")},
                      {"name": "default", "template": turns("<|im_end|>")}]);
    let list = json!({"chat_template": list});
    assert_eq!(ends(&json!(7), &[("tokenizer_config.json", list)]), [7, 96]);
    let own = [("chat_template.jinja", turns("<|im_end|>").replace('\n', "\r\n"))];
    assert_eq!(open(&json!(7), &own).1.eos_token_ids(), [7, 96]);
}

#[test]
fn ordinary_text_behind_an_answer_is_none_of_them() {
    for end in ["", "\n", "\n\n", "\n\nUser:", "User: ", "###", "x<|im_end|>"] {
        assert_eq!(with_template(&turns(end)), [7], "{end:?}");
    }
    for source in ["{{ raise_exception('no') }}", "{{ messages[0].content }}", "{% for %}"] {
        assert_eq!(with_template(source), [7], "{source}");
    }
}

/// A tokenizer whose vocabulary has these tokens, none of which is added.
fn with_vocabulary(model: &Value) -> String {
    let mut file: Value = serde_json::from_str(&tokenizer(&Value::Null)).unwrap();
    file["added_tokens"] = json!([]);
    file["model"] = model.clone();
    file.to_string()
}

#[test]
fn an_end_that_is_in_the_vocabulary_alone_is_one() {
    let by_id = json!({"type": "BPE", "merges": [],
                       "vocab": {"a": 0, "<|done|>": 1, "###END###": 2, "<endĠx>": 3, "User": 4}});
    let in_order = json!({"type": "Unigram", "unk_id": 0, "vocab":
        [["a", 0.0], ["<|done|>", -1.0], ["###END###", -2], ["<endĠx>", -3.0], ["User", -4.0]]});
    for model in [by_id, in_order] {
        let found = |config: Value| {
            let files = [
                ("tokenizer.json", with_vocabulary(&model)),
                ("tokenizer_config.json", config.to_string()),
            ];
            open(&json!(7), &files).1.eos_token_ids().to_vec()
        };
        assert_eq!(found(json!({"eos_token": "<|done|>"})), [7, 1]);
        assert_eq!(found(json!({"eos_token": "User"})), [7, 4], "named, whatever it is");
        assert_eq!(found(json!({"chat_template": turns("<|done|>\n")})), [7, 1]);
        assert_eq!(found(json!({"chat_template": turns("###END###")})), [7, 2]);
        assert_eq!(found(json!({"chat_template": turns("<end x>")})), [7, 3]);
        assert_eq!(found(json!({"chat_template": turns("User")})), [7]);
        assert_eq!(found(json!({"chat_template": turns("<|gone|>"), "eos_token": "x"})), [7]);
    }
    for model in [json!(7), json!({}), json!({"vocab": 7}), json!({"vocab": {"<|done|>": -1}})] {
        let files = [
            ("tokenizer.json", with_vocabulary(&model)),
            ("tokenizer_config.json", json!({"eos_token": "<|done|>"}).to_string()),
        ];
        assert_eq!(open(&json!(7), &files).1.eos_token_ids(), [7], "{model}");
    }
}

/// Files that cannot be read are told by who reads them, and leave the ends that are known.
#[test]
fn damaged_files_leave_what_is_known() {
    let template = json!({"chat_template": turns("<|im_end|>")}).to_string();
    for tokenizer in ["", "[]", "{\"added_tokens\": 7}", "{\"added_tokens\": [{\"id\": -1}]}"] {
        let files =
            [("tokenizer_config.json", template.clone()), ("tokenizer.json", tokenizer.into())];
        let (_dir, checkpoint) = open(&json!([1, 2]), &files);
        assert_eq!(checkpoint.eos_token_ids(), [1, 2], "{tokenizer}");
        assert!(checkpoint.tokenizer().is_err());
    }
    let (_dir, checkpoint) = open(&json!(1), &[("tokenizer_config.json", "{".into())]);
    assert_eq!(checkpoint.eos_token_ids(), [1]);
    assert!(checkpoint.chat_template().is_err());
}

#[test]
fn no_file_makes_a_prompt_end() {
    let special = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    let post_processor = json!({
        "type": "TemplateProcessing", "single": [special("<bos>"), text, special("</s>")],
        "pair": [text, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<bos>": {"id": "<bos>", "ids": [94], "tokens": ["<bos>"]},
                           "</s>": {"id": "</s>", "ids": [95], "tokens": ["</s>"]}},
    });
    let config = json!({"add_eos_token": true, "add_bos_token": true, "eos_token": "</s>"});
    for post_processor in [post_processor, Value::Null] {
        let files = [
            ("tokenizer.json", tokenizer(&post_processor)),
            ("tokenizer_config.json", config.to_string()),
        ];
        let (_dir, checkpoint) = open(&json!(95), &files);
        let tokenizer = checkpoint.tokenizer().unwrap();
        let begins = usize::from(!post_processor.is_null());
        for text in ["", "ab", "<bos>ab", "ab</s>"] {
            let (ids, plain) =
                (tokenizer.encode(text).unwrap(), tokenizer.encode_plain(text).unwrap());
            let added = if text.starts_with("<bos>") { 0 } else { begins };
            assert_eq!(ids, [&[94][..added], &plain].concat(), "{text:?}");
        }
    }
}

#[test]
fn crlf_in_a_template_of_any_source_means_lf() {
    let source =
        "{% for m in messages -%}\n[{{ m.role }}]\n{{ m.content }}\n\n{% endfor %}{{ 'a\nb' }}\n";
    let said = [Message::user("x\r\ny")];
    for line_end in ["\n", "\r\n", "\r"] {
        let source = source.replace('\n', line_end);
        let list = json!([{"name": "default", "template": source}]);
        for files in [
            [("chat_template.jinja", source.clone())],
            [("tokenizer_config.json", json!({"chat_template": source}).to_string())],
            [("tokenizer_config.json", json!({"chat_template": list}).to_string())],
        ] {
            let template = open(&json!(1), &files).1.chat_template().unwrap().unwrap();
            let text = template.render(&said, &ChatOptions::default()).unwrap();
            // What is said is not touched.
            assert_eq!(text, "[user]\nx\r\ny\n\na\nb", "{line_end:?}");
        }
    }
    let broken = "fine\r\n\r\n{{ a b }}";
    let message = open(&json!(1), &[("chat_template.jinja", broken.into())]).1.chat_template();
    assert!(message.unwrap_err().to_string().contains("line 3"));
}
