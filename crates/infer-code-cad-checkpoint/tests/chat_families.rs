//! Chat templates of newer families render as `transformers` does; expected texts are made by
//! `fixtures/chat/make_families_chat.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use infer_code_cad_checkpoint::{
    ChatOptions, ChatTemplate, CheckpointError, Date, Message, Variable,
};
use serde_json::Value;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat")
}

fn messages(json: &Value) -> Vec<Message> {
    let message = |message: &Value| {
        let content = message["content"].as_str().unwrap();
        match message["role"].as_str().unwrap() {
            "system" => Message::system(content),
            "user" => Message::user(content),
            _ => Message::assistant(content),
        }
    };
    json.as_array().unwrap().iter().map(message).collect()
}

fn options(fixture: &Value, case: &Value) -> ChatOptions {
    let field = |index: usize| fixture["date"][index].as_u64().unwrap();
    let variables = case["variables"].as_object().unwrap().iter();
    let variable = |(name, value): (&String, &Value)| {
        (name.clone(), value.to_string().parse::<Variable>().unwrap())
    };
    ChatOptions {
        add_generation_prompt: case["generation"].as_bool().unwrap(),
        date: Date::new(field(0) as u16, field(1) as u8, field(2) as u8).unwrap(),
        variables: variables.map(variable).collect(),
    }
}

/// Compares every case of a part of the fixture, and says how many there are.
fn check(part: &str, templates: &Path) -> usize {
    let fixture = fs::read(directory().join("families.json")).unwrap();
    let fixture: Value = serde_json::from_slice(&fixture).unwrap();
    let cases = fixture[part].as_array().unwrap();
    for case in cases {
        let (model, name) = (case["model"].as_str().unwrap(), case["name"].as_str().unwrap());
        let source = fs::read_to_string(templates.join(format!("{model}.jinja"))).unwrap();
        let tokens: BTreeMap<String, String> =
            serde_json::from_value(fixture["special_tokens"][model].clone()).unwrap();
        let template = ChatTemplate::new(model, &source, tokens).unwrap();
        let messages = messages(&fixture["conversations"][name]);
        match template.render(&messages, &options(&fixture, case)) {
            Ok(text) => assert_eq!(case["text"], text.as_str(), "{model}, {name}"),
            Err(CheckpointError::ChatTemplateRefused { reason, .. }) => {
                assert_eq!(case["refused"], reason.as_str(), "{model}, {name}");
            }
            Err(error) => panic!("{model}, {name}: {error}"),
        }
    }
    cases.len()
}

#[test]
fn templates_in_the_shape_of_newer_families_are_rendered_as_transformers_does() {
    assert_eq!(check("ours", &directory()), 191);
}

#[test]
fn published_templates_are_rendered_as_transformers_does() {
    match env::var_os("INFER_CODE_CAD_TEMPLATES") {
        Some(templates) => assert_eq!(check("published", Path::new(&templates)), 95),
        None => eprintln!(
            "published_templates_are_rendered_as_transformers_does: not run, as \
             INFER_CODE_CAD_TEMPLATES does not name models/templates of llama.cpp's source tree"
        ),
    }
}
