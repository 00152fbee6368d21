//! What a post-processor adds to a text, without what it adds behind: a prompt that ends with an EOS is
//! answered with nothing.

use serde_json::{Value, json};
use tokenizers::PostProcessorWrapper;

/// The post-processor, which then adds before a text what it did, and nothing behind it.
pub(super) fn beginning(
    processor: &PostProcessorWrapper,
) -> tokenizers::Result<PostProcessorWrapper> {
    let json = without_end(serde_json::to_value(processor)?);
    Ok(serde_json::from_value(json)?)
}

fn without_end(mut processor: Value) -> Value {
    let kind = processor["type"].as_str().unwrap_or_default();
    match kind {
        "TemplateProcessing" => {
            if let Some(pieces) = processor["single"].as_array_mut() {
                let text = pieces.iter().rposition(|piece| piece.get("Sequence").is_some());
                pieces.truncate(text.map_or(pieces.len(), |text| text + 1));
            }
            processor
        }
        "BertProcessing" => opened_by(&processor["cls"]),
        "RobertaProcessing" => {
            let offsets = json!({
                "type": "ByteLevel", "add_prefix_space": processor["add_prefix_space"],
                "trim_offsets": processor["trim_offsets"], "use_regex": true,
            });
            json!({"type": "Sequence", "processors": [offsets, opened_by(&processor["cls"])]})
        }
        "Sequence" => {
            for processor in processor["processors"].as_array_mut().into_iter().flatten() {
                *processor = without_end(processor.take());
            }
            processor
        }
        _ => processor,
    }
}

/// A template of one token, `[spelling, id]`, before a text.
fn opened_by(token: &Value) -> Value {
    let (spelling, id) = (token[0].as_str().unwrap_or_default(), &token[1]);
    let opening = json!({"SpecialToken": {"id": spelling, "type_id": 0}});
    let [first, second] = ["A", "B"].map(|id| json!({"Sequence": {"id": id, "type_id": 0}}));
    json!({
        "type": "TemplateProcessing", "single": [opening, first], "pair": [opening, first, second],
        "special_tokens": {spelling: {"id": spelling, "ids": [id], "tokens": [spelling]}},
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;
    use crate::Tokenizer;

    /// Post-processors of every kind that end a text with token 257, and how they begin it.
    pub(in crate::tokenizer) fn ending() -> Vec<(&'static str, Value, Vec<u32>)> {
        let special = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let tokens = json!({
            "<bos>": {"id": "<bos>", "ids": [256], "tokens": ["<bos>"]},
            "<eos>": {"id": "<eos>", "ids": [257], "tokens": ["<eos>"]},
            "<two>": {"id": "<two>", "ids": [257, 257], "tokens": ["<eos>", "<eos>"]},
        });
        let template = |single: Value| {
            json!({"type": "TemplateProcessing", "single": single, "special_tokens": tokens,
                   "pair": [text, {"Sequence": {"id": "B", "type_id": 0}}]})
        };
        let (bos, eos, two) = (special("<bos>"), special("<eos>"), special("<two>"));
        let bert = json!({"type": "BertProcessing", "sep": ["<eos>", 257], "cls": ["<bos>", 256]});
        let mut roberta = bert.clone();
        roberta["type"] = "RobertaProcessing".into();
        (roberta["trim_offsets"], roberta["add_prefix_space"]) = (true.into(), false.into());
        let level = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false,
                           "use_regex": true});
        let both = template(json!([bos, text, eos]));
        let sequence = json!({"type": "Sequence", "processors": [level, both]});
        vec![
            ("bos and eos", both, vec![256]),
            ("eos alone", template(json!([text, eos])), vec![]),
            ("several behind", template(json!([bos, text, eos, two])), vec![256]),
            ("several before", template(json!([bos, bos, text, two])), vec![256, 256]),
            ("bert", bert, vec![256]),
            ("roberta", roberta, vec![256]),
            ("nested", json!({"type": "Sequence", "processors": [sequence.clone()]}), vec![256]),
            ("sequence", sequence, vec![256]),
        ]
    }

    #[test]
    fn no_post_processor_ends_a_prompt() {
        for (name, processor, before) in ending() {
            let tokenizer = Tokenizer::framed_by(&processor);
            for text in ["", "a", "a b", " a", "<eos>", "a<eos>", "<bos>a"] {
                let plain = tokenizer.encode_plain(text).unwrap();
                // A BOS that the text spells is not added a second time.
                let spelled = text.starts_with("<bos>") && before == [256];
                let added = if spelled { &[][..] } else { &before[..] };
                let ids = tokenizer.encode(text).unwrap();
                assert_eq!(ids, [added, &plain].concat(), "{name}: {text:?}");
                let offsets = tokenizer.encode_with_offsets(text).unwrap();
                assert!(offsets.iter().map(|(id, _)| id).eq(&ids), "{name}: {text:?}");
            }
        }
    }

    #[test]
    fn what_adds_nothing_behind_stays_as_it_was() {
        let level = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false,
                           "use_regex": true});
        for processor in [level.clone(), json!({"type": "Sequence", "processors": [level]})] {
            assert_eq!(without_end(processor.clone()), processor);
        }
    }
}
