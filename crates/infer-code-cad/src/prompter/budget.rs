use std::sync::Arc;

use infer_code_cad_decode::Settings;
use infer_code_cad_tasks::Problem;

use crate::{PromptError, Prompted, Prompter, Writer};

/// Another prompter's prompts, whose answers have a length of their own.
///
/// An outline before the code takes tokens, so that under one limit for all chains of thought are cut off where plain
/// answers end.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Writes the prompts.
    pub inner: Arc<dyn Prompter>,
    /// The longest completion in tokens, whatever the run says.
    pub max_new_tokens: usize,
}

impl Prompter for Budget {
    fn prompts(
        &self,
        problems: &[Problem],
        writer: &dyn Writer,
    ) -> Vec<Result<Prompted, PromptError>> {
        let mut prompts = self.inner.prompts(problems, writer);
        for prompted in prompts.iter_mut().flatten() {
            prompted.max_new_tokens = Some(self.max_new_tokens);
        }
        prompts
    }

    fn settings(&self) -> Settings {
        Settings::new("budget")
            .with("max_new_tokens", self.max_new_tokens)
            .with("inner", self.inner.settings())
    }
}
