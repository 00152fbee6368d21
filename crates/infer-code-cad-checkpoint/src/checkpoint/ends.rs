//! The ends of text that no file names by their ids.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::BTreeMap;

use infer_code_cad_decode::TokenId;
use serde::Deserialize;

use super::{Checkpoint, TokenizerSource, read};
use crate::chat::Mark;
use crate::fields::Fields;
use crate::gguf::{self, Gguf};
use crate::tokenizer::Spelling;

const TOKENIZER: &str = "tokenizer.json";

/// The tokens that end a completion.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) ids: Vec<TokenId>,
    /// The one of them that the chat template writes, as it writes it.
    pub(super) turn: Option<Mark>,
}

impl Checkpoint {
    pub(super) fn ends(&self) -> &Ends {
        self.ends.get_or_init(|| self.find_ends())
    }

    /// Those that are named by their ids, then by their text, then written by the chat template.
    fn find_ends(&self) -> Ends {
        let mut ends = Ends { ids: self.named_ends.clone(), turn: None };
        let eos_token = self.chat.special_token("eos_token");
        let template = self.chat_template().ok().flatten();
        let around = template.iter().flat_map(|template| template.around_answer());
        let mut around = around.filter(|around| !around.behind.trim().is_empty()).peekable();
        if eos_token.is_none() && around.peek().is_none() {
            return ends;
        }
        let Some(tokens) = self.tokens() else { return ends };
        let Some(marks) = tokens.marks() else { return ends };
        let texts = LazyCell::new(|| tokens.texts().unwrap_or_default());
        let eos = eos_token.and_then(|eos| {
            let named = |tokens: &[Mark]| tokens.iter().find(|t| t.text == eos).map(|t| t.id);
            named(&marks).or_else(|| named(&texts))
        });
        ends.turn = around
            .find_map(|around| around.end_among(&marks).or_else(|| around.end_among_text(&texts)));
        for end in eos.into_iter().chain(ends.turn.as_ref().map(|mark| mark.id)) {
            if !ends.ids.contains(&end) {
                ends.ids.push(end);
            }
        }
        ends
    }

    /// The tokens of a tokenizer whose file can be read.
    fn tokens(&self) -> Option<Tokens<'_>> {
        Some(match &self.tokenizer {
            TokenizerSource::Gguf(gguf) => Tokens::Gguf(gguf),
            TokenizerSource::Bytes(json) => Tokens::Json(Cow::Borrowed(json)),
            TokenizerSource::File(path) => Tokens::Json(Cow::Owned(read(path).ok()?)),
        })
    }
}

/// Where the tokens are.
enum Tokens<'a> {
    Gguf(&'a Gguf),
    Json(Cow<'a, [u8]>),
}

impl Tokens<'_> {
    /// Those that are matched whole in a text.
    fn marks(&self) -> Option<Vec<Mark>> {
        match self {
            Self::Gguf(gguf) => gguf::marks(gguf).ok(),
            Self::Json(json) => added_tokens(json),
        }
    }

    /// The others.
    fn texts(&self) -> Option<Vec<Mark>> {
        match self {
            Self::Gguf(gguf) => gguf::text_tokens(gguf).ok(),
            Self::Json(json) => vocabulary(json),
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
    let added: Option<Vec<Added>> = Fields::of(TOKENIZER, json).ok()?.get("added_tokens").ok()?;
    let mark = |Added { id, content, special }| Mark { id, text: content, is_special: special };
    Some(added.unwrap_or_default().into_iter().map(mark).collect())
}

/// The tokens of the model of a `tokenizer.json`: by their ids, or of Unigram in their order.
fn vocabulary(json: &[u8]) -> Option<Vec<Mark>> {
    let fields = Fields::of(TOKENIZER, json).ok()?;
    let model = fields.object("model").ok()??;
    let tokens: Vec<(String, TokenId)> = match model.get("vocab") {
        Ok(by_id) => by_id.map(|by_id: BTreeMap<_, _>| by_id.into_iter().collect())?,
        Err(_) => {
            let in_order: Vec<(String, f64)> = model.get("vocab").ok()??;
            in_order.into_iter().map(|(token, _)| token).zip(0..).collect()
        }
    };
    let decoder = fields.get("decoder").ok().flatten();
    let spelling = Spelling::of(decoder.as_ref()).ok();
    Some(tokens.into_iter().flat_map(|(token, id)| Mark::of_text(id, token, spelling)).collect())
}
