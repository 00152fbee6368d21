//! The ends of text that no file names by their ids.

use infer_code_cad_decode::TokenId;
use serde::Deserialize;

use super::{Checkpoint, TokenizerSource, read};
use crate::chat::{Mark, end_of_turn};
use crate::fields::Fields;
use crate::gguf;

const TOKENIZER: &str = "tokenizer.json";

impl Checkpoint {
    /// Those that are named by their ids, then by their text, then written by the chat template.
    pub(super) fn find_ends(&self) -> Vec<TokenId> {
        let mut ends = self.named_ends.clone();
        let eos_token = self.chat.eos_token();
        let behind = self.chat_template().ok().flatten();
        let behind = behind.and_then(|template| template.behind_answer());
        if eos_token.is_none() && behind.as_deref().is_none_or(|text| text.trim().is_empty()) {
            return ends;
        }
        let Some(marks) = self.marks() else { return ends };
        let eos = eos_token.and_then(|text| marks.iter().find(|mark| mark.text == text));
        let turn = behind.and_then(|behind| end_of_turn(&behind, &marks));
        for end in [eos.map(|mark| mark.id), turn].into_iter().flatten() {
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
        ends
    }

    /// The tokens that are matched whole, of a tokenizer whose file can be read.
    fn marks(&self) -> Option<Vec<Mark>> {
        match &self.tokenizer {
            TokenizerSource::Gguf(gguf) => gguf::marks(gguf).ok(),
            TokenizerSource::Bytes(json) => added_tokens(json),
            TokenizerSource::File(path) => added_tokens(&read(path).ok()?),
        }
    }
}

/// The added tokens of a `tokenizer.json`.
fn added_tokens(json: &[u8]) -> Option<Vec<Mark>> {
    #[derive(Deserialize)]
    struct Added {
        id: TokenId,
        content: String,
        #[serde(default)]
        special: bool,
    }
    let added: Vec<Added> = Fields::of(TOKENIZER, json).ok()?.get("added_tokens").ok()??;
    let mark = |Added { id, content, special }| Mark { id, text: content, is_special: special };
    Some(added.into_iter().map(mark).collect())
}
