//! Chat templates render as `transformers` does; expected texts and ids are made by
//! `fixtures/chat/make_chat.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use infer_code_cad_checkpoint::{
    ChatOptions, ChatTemplate, Checkpoint, CheckpointError, Date, Message, Tokenizer,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(fixture("chat/chat.json")).unwrap()).unwrap()
}

/// The directory of Llama 3.2's tokenizer, or a note on standard error that `test` lacks it.
fn llama(test: &str) -> Option<PathBuf> {
    let data = env::var_os("INFER_CODE_CAD_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let dir = data.join("llama-3.2-1b-instruct");
    if dir.join("tokenizer_config.json").exists() {
        return Some(dir);
    }
    eprintln!("{test}: no llama-3.2-1b-instruct/tokenizer_config.json, not run");
    None
}

/// A checkpoint of random weights whose tokenizer files are `files`.
fn checkpoint(files: &[(&str, Vec<u8>)]) -> (TempDir, Checkpoint) {
    let dir = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs::copy(fixture("llama").join(file), dir.path().join(file)).unwrap();
    }
    for (file, content) in files {
        fs::write(dir.path().join(file), content).unwrap();
    }
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    (dir, checkpoint)
}

fn template_of(files: &[(&str, Vec<u8>)]) -> Result<Option<ChatTemplate>, CheckpointError> {
    checkpoint(files).1.chat_template()
}

fn plain(source: &str) -> ChatTemplate {
    ChatTemplate::new("a test", source, BTreeMap::new()).unwrap()
}

fn messages(json: &Value) -> Vec<Message> {
    let message = |message: &Value| {
        let content = message["content"].as_str().unwrap();
        match message["role"].as_str().unwrap() {
            "system" => Message::system(content),
            "user" => Message::user(content),
            "assistant" => Message::assistant(content),
            other => panic!("no role {other}"),
        }
    };
    json.as_array().unwrap().iter().map(message).collect()
}

fn options(fixture: &Value, add_generation_prompt: bool) -> ChatOptions {
    let field = |index: usize| fixture["date"][index].as_u64().unwrap();
    let date = Date::new(field(0) as u16, field(1) as u8, field(2) as u8).unwrap();
    ChatOptions { add_generation_prompt, date, variables: BTreeMap::new() }
}

/// The text, or what the template refused with, in the form of the fixture.
fn outcome(rendered: Result<String, CheckpointError>) -> (&'static str, String) {
    match rendered {
        Ok(text) => ("text", text),
        Err(CheckpointError::ChatTemplateRefused { reason, .. }) => ("refused", reason),
        Err(error) => panic!("{error}"),
    }
}

fn check_conversations(model: &str, template: &ChatTemplate, tokenizer: Option<&Tokenizer>) {
    let fixture = expected();
    let cases = fixture["cases"].as_array().unwrap();
    let cases: Vec<&Value> = cases.iter().filter(|case| case["model"] == model).collect();
    assert_eq!(cases.len(), 24);
    for case in cases {
        let options = options(&fixture, case["add_generation_prompt"].as_bool().unwrap());
        let (kind, text) = outcome(template.render(&messages(&case["messages"]), &options));
        assert_eq!(case[kind], text.as_str(), "{model}, {}", case["name"]);
        if let (Some(tokenizer), "text") = (tokenizer, kind) {
            assert_eq!(json!(tokenizer.encode(&text).unwrap()), case["ids"], "{}", case["name"]);
        }
    }
}

#[test]
fn llama_3_2_is_rendered_and_tokenized_as_transformers_does() {
    let Some(dir) = llama("llama_3_2_is_rendered_and_tokenized_as_transformers_does") else {
        return;
    };
    let config = fs::read(dir.join("tokenizer_config.json")).unwrap();
    let template = template_of(&[("tokenizer_config.json", config)]).unwrap().unwrap();
    let tokenizer = Tokenizer::from_bytes(&fs::read(dir.join("tokenizer.json")).unwrap()).unwrap();
    check_conversations("llama-3.2", &template, Some(&tokenizer));
    // One BOS, from the template, and none from a message that spells it elsewhere than in front.
    let text = template.render(&[Message::user("hello")], &ChatOptions::default()).unwrap();
    let ids = tokenizer.encode(&text).unwrap();
    assert_eq!(ids.iter().filter(|&&id| id == 128_000).count(), 1);
    assert_eq!(ids[0], 128_000);
    assert_eq!(tokenizer.encode_plain(&text).unwrap(), ids);
    assert!(text.contains("Today Date: 26 Jul 2024\n"), "the default date is documented");
}

#[test]
fn gemma_2_and_qwen_2_5_are_rendered_as_transformers_does() {
    let fixture_json = expected();
    for model in ["gemma-2", "qwen-2.5"] {
        let mut config = fixture_json["special_tokens"][model].clone();
        // Both spellings of a special token occur.
        config["eos_token"] = json!({"__type": "AddedToken", "content": config["eos_token"]});
        let template = fs::read(fixture(&format!("chat/{model}.jinja"))).unwrap();
        let files = [
            ("tokenizer_config.json", config.to_string().into_bytes()),
            ("chat_template.jinja", template),
        ];
        check_conversations(model, &template_of(&files).unwrap().unwrap(), None);
    }
}

#[test]
fn the_dialect_is_that_of_transformers() {
    let fixture = expected();
    let messages = messages(&fixture["dialect_messages"]);
    let variables = fixture["variables"].as_object().unwrap().iter();
    let variables =
        variables.map(|(name, value)| (name.clone(), value.to_string().parse().unwrap())).collect();
    let options = ChatOptions { variables, ..options(&fixture, false) };
    let tokens: BTreeMap<String, String> =
        serde_json::from_value(fixture["special_tokens"]["qwen-2.5"].clone()).unwrap();
    for case in fixture["dialect"].as_array().unwrap() {
        let source = case["template"].as_str().unwrap();
        let template = ChatTemplate::new("a test", source, tokens.clone()).unwrap();
        let (kind, text) = outcome(template.render(&messages, &options));
        assert_eq!(case[kind], text.as_str(), "{}", case["name"]);
    }
}

#[test]
fn a_tokenizer_without_bos_adds_none_whatever_its_config_says() {
    let alphabet: Map<String, Value> =
        ('!'..='~').enumerate().map(|(id, c)| (c.to_string(), json!(id))).collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": false});
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": level,
        "post_processor": level, "decoder": level,
        "model": {"type": "BPE", "vocab": alphabet, "merges": []},
    });
    let config = json!({"add_bos_token": false, "bos_token": null, "eos_token": "~",
                        "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"});
    let (_dir, checkpoint) = checkpoint(&[
        ("tokenizer.json", tokenizer.to_string().into_bytes()),
        ("tokenizer_config.json", config.to_string().into_bytes()),
    ]);
    let template = checkpoint.chat_template().unwrap().unwrap();
    let text = template.render(&[Message::user("ab")], &ChatOptions::default()).unwrap();
    assert_eq!(text, "ab~");
    assert_eq!(checkpoint.tokenizer().unwrap().encode(&text).unwrap(), [64, 65, 93]);
}

#[test]
fn the_file_of_its_own_wins_then_the_default_of_the_list() {
    let bytes = |json: Value| json.to_string().into_bytes();
    let render = |files: &[(&str, Vec<u8>)]| {
        let template = template_of(files).unwrap().unwrap();
        template.render(&[Message::user("x")], &ChatOptions::default()).unwrap()
    };
    let list = json!([{"name": "tool_use", "template": "tools"},
                      {"name": "default", "template": "list {{ bos_token }}"}]);
    let config = json!({"chat_template": list, "bos_token": "<c>"});
    let config = ("tokenizer_config.json", bytes(config));
    let map = ("special_tokens_map.json", bytes(json!({"bos_token": {"content": "<m>"}})));
    let own = ("chat_template.jinja", b"own {{ bos_token }}".to_vec());
    assert_eq!(render(std::slice::from_ref(&config)), "list <c>");
    assert_eq!(render(&[config.clone(), map.clone()]), "list <m>");
    assert_eq!(render(&[config, map.clone(), own.clone()]), "own <m>");
    assert_eq!(render(std::slice::from_ref(&own)), "own ");
    // The newer layout holds the special tokens in the config alone.
    let newer = bytes(json!({"bos_token": "<n>", "added_tokens_decoder": {}}));
    assert_eq!(render(&[("tokenizer_config.json", newer), map, own]), "own <n>");
    let none = [("tokenizer_config.json", bytes(json!({"bos_token": "<c>"})))];
    assert!(template_of(&none).unwrap().is_none());
    assert!(template_of(&[]).unwrap().is_none());
}

#[test]
fn bytes_can_bring_a_tokenizer_config() {
    let read = |file| fs::read(fixture("llama").join(file)).unwrap();
    let weights = vec![read("model.safetensors").into()];
    let checkpoint = Checkpoint::from_bytes(&read("config.json"), &b"{}"[..], weights).unwrap();
    assert!(checkpoint.chat_template().unwrap().is_none());
    assert_eq!(checkpoint.mask_token(), None);
    let config = br#"{"chat_template": "{{ eos_token }}", "eos_token": "</s>",
                      "mask_token": {"content": "<mask>"}}"#;
    let checkpoint = checkpoint.with_tokenizer_config(&config[..]);
    assert_eq!(checkpoint.mask_token().as_deref(), Some("<mask>"));
    let template = checkpoint.chat_template().unwrap().unwrap();
    let text = template.render(&[Message::user("x")], &ChatOptions::default()).unwrap();
    assert_eq!((text.as_str(), template.source()), ("</s>", "{{ eos_token }}"));
}

#[test]
fn what_is_wrong_with_a_template_is_named() {
    let error = |file, content: &[u8]| match template_of(&[(file, content.to_vec())]) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{file} is accepted"),
    };
    let bad = error("chat_template.jinja", b"fine\n{% for %}");
    assert!(bad.starts_with("chat_template.jinja: line 2 of the chat template"), "{bad}");
    let bad = error("chat_template.jinja", b"fine\n\n\xff");
    assert!(bad.contains("line 3") && bad.contains("UTF-8"), "{bad}");
    let bad = error("tokenizer_config.json", br#"{"chat_template": "\n\n{{ a b }}"}"#);
    assert!(bad.starts_with("tokenizer_config.json: line 3"), "{bad}");
    let bad = error("tokenizer_config.json", br#"{"chat_template": 7}"#);
    assert!(bad.contains("chat_template is 7, expected a text or a list"), "{bad}");
    let bad = error("tokenizer_config.json", b"{");
    assert!(bad.starts_with("tokenizer_config.json cannot be parsed"), "{bad}");
    let list = br#"{"chat_template": [{"name": "rag", "template": ""}]}"#;
    let bad = error("tokenizer_config.json", list);
    assert!(bad.contains(r#"["rag"]"#) && bad.contains("default"), "{bad}");

    let fails = |source| {
        let rendered = plain(source).render(&[Message::user("x")], &ChatOptions::default());
        rendered.unwrap_err().to_string()
    };
    assert!(fails("\n{{ messages[3].content }}").contains("line 2"), "undefined");
    assert!(fails("{{ messages[0].content.shout() }}").contains("line 1"), "unknown method");
    assert!(fails("{{ strftime_now('%H') }}").contains("%H"), "a date has no hour");
    let nothing = plain("").render(&[], &ChatOptions::default());
    assert!(matches!(nothing, Err(CheckpointError::EmptyChat)));
}

#[test]
fn hostile_templates_end_with_an_error() {
    let forever = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    let double = "{% set n = namespace(x='aa') %}{% for i in range(99) %}\
                  {% set n.x = n.x ~ n.x %}{% endfor %}";
    let recursion = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    let nested = "{% set n = namespace(x=[]) %}{% for i in range(99999) %}\
                  {% set n.x = [n.x] %}{% endfor %}{{ n.x | tojson }}";
    let printed = nested.replace(" | tojson", "");
    let compared = nested.replace("n.x | tojson", "n.x == [n.x]");
    let wide = "{{ 'a' * 99999999999 }}";
    let range = "{{ range(99999999999) | list | length }}";
    let hostile = [forever, double, recursion, nested, &printed, &compared, wide, range];
    for source in hostile {
        let rendered = plain(source).render(&[Message::user("x")], &ChatOptions::default());
        let error = rendered.expect_err(source);
        assert!(
            matches!(
                error,
                CheckpointError::ChatTemplateFuel { .. }
                    | CheckpointError::ChatTemplateRender { .. }
            ),
            "{error}"
        );
    }
    for chain in ["(", "[", "not ", "- ", "1 + ", "a if a else ", "a.", "a|f", "a["] {
        let source = chain.repeat(100_000);
        let parsed = ChatTemplate::new("a test", &format!("{{{{ {source}"), BTreeMap::new());
        assert!(matches!(parsed, Err(CheckpointError::ChatTemplateSyntax { .. })));
    }
    let ifs = "{% if true %}".repeat(50_000);
    let parsed = ChatTemplate::new("a test", &ifs, BTreeMap::new());
    assert!(matches!(parsed, Err(CheckpointError::ChatTemplateSyntax { .. })));
}
