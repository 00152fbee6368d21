use infer_code_cad_decode::{Decoder as _, Nucleus, Settings};

use super::settings::list;

/// How the drafts of a technique are drawn, and where they end.
///
/// Under a fair preset it is one and the same for all techniques.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// How a token is chosen where the technique does not say.
    pub sampler: Nucleus,
    /// Longest completion in tokens.
    pub max_new_tokens: usize,
    /// Longest prompt and completion together, in tokens.
    pub max_length: Option<usize>,
    /// Strings that end a completion.
    pub stop: Vec<String>,
    /// Texts that end a completion where the model writes one of them as a single token.
    pub stop_tokens: Vec<String>,
}

impl Drawing {
    /// The paper's: temperature 0.8, top-p 0.9, 128 tokens, and nothing ends a completion but the model.
    pub(super) fn paper() -> Self {
        Self {
            sampler: Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() },
            max_new_tokens: 128,
            max_length: None,
            stop: vec![],
            stop_tokens: vec![],
        }
    }

    pub(super) fn settings(&self) -> Settings {
        let settings = Settings::new("drawing")
            .with("sampler", self.sampler.settings())
            .with("max_new_tokens", self.max_new_tokens);
        let settings = match self.max_length {
            None => settings,
            Some(max_length) => settings.with("max_length", max_length),
        };
        settings.with("stop", list(&self.stop)).with("stop_tokens", list(&self.stop_tokens))
    }
}
