//! Flags that are settings of a technique's parts.

use clap::Args;
use infer_code_cad::PartSetting;

const HEADING: &str = "Settings of the technique, the same as within --technique";

/// Settings of the technique; each is the same as within --technique, as in nucleus(temperature=0.6).
#[derive(Args)]
pub(crate) struct SettingArgs {
    /// nucleus(temperature=X): divides the logits; above 0. Without it 0.8.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = HEADING)]
    temperature: Option<String>,
    /// nucleus(top_p=X): keeps the most probable tokens up to this mass, in (0, 1]. Without it 0.9.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = HEADING)]
    top_p: Option<String>,
    /// nucleus(top_k=N): keeps the N most probable tokens, at least 1. Without it all.
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = HEADING)]
    top_k: Option<String>,
    /// nucleus(min_p=X): keeps tokens at least X times as probable as the best, in [0, 1]. Without it 0: all.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = HEADING)]
    min_p: Option<String>,
    /// cad(alpha=X): the weight of the contrast, in [0, 1e6]. Without it 0.5.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = HEADING)]
    alpha: Option<String>,
    /// cad(plausibility=X): leaves out tokens less than X times as probable as the best in context, in [0, 1].
    /// Without it 0: none.
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = HEADING)]
    plausibility: Option<String>,
    /// rag(passages=N): passages in the prompt, at least 1. Without it 1.
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = HEADING)]
    n_passages: Option<String>,
    /// rag(gate=open or perplexity): perplexity keeps a passage only where it makes the problem more probable.
    /// Without it open.
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    gate: Option<String>,
}

impl SettingArgs {
    /// What was given.
    pub(crate) fn given(&self) -> Vec<PartSetting> {
        let settings = [
            ("nucleus", "temperature", &self.temperature),
            ("nucleus", "top_p", &self.top_p),
            ("nucleus", "top_k", &self.top_k),
            ("nucleus", "min_p", &self.min_p),
            ("cad", "alpha", &self.alpha),
            ("cad", "plausibility", &self.plausibility),
            ("rag", "passages", &self.n_passages),
            ("rag", "gate", &self.gate),
        ];
        let given = settings.into_iter().filter_map(|(part, key, value)| {
            value.as_ref().map(|value| PartSetting::new(part, key, value))
        });
        given.collect()
    }
}
