use std::fmt::{Result, Write as _};

use crate::figures::{DRAFTS, Figures, median};
use crate::report::{Bytes, Report, Span};

impl Report<'_> {
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes every text");
        text
    }

    fn write(&self, text: &mut String) -> Result {
        self.write_reading(text)?;
        self.write_decoding(text)?;
        self.write_profile(text)?;
        self.write_bytes(text)
    }

    fn write_reading(&self, text: &mut String) -> Result {
        let Self { model, weights, threads, isa, figures, .. } = self;
        let tokens = figures.workload.prefill_tokens;
        let rate = tokens as f64 / figures.reading();
        writeln!(text, "{model}, weights {weights}, {threads} threads, {isa}")?;
        writeln!(text, "load                 {:.2} s", self.load.as_secs_f64())?;
        writeln!(text, "prefill              {rate:.1} tokens/s ({tokens} tokens)")?;
        if let Some(seconds) = figures.first_token() {
            let prompt = figures.workload.prompt_tokens;
            writeln!(text, "time to first token  {:.1} ms ({prompt} tokens)", seconds * 1e3)?;
        }
        Ok(())
    }

    fn write_decoding(&self, text: &mut String) -> Result {
        writeln!(text, "\nmode     samples  rows  ms per step  tokens/s")?;
        for (case, timing) in self.figures.writing() {
            let (step, mode) = (median(&timing.steps), format!("{:?}", case.mode).to_lowercase());
            let (samples, rows) = (case.samples, case.rows());
            let rate = samples as f64 / step;
            writeln!(text, "{mode:<8} {samples:>7} {rows:>5} {:>12.2} {rate:>9.1}", step * 1e3)?;
        }
        if let Some(ratio) = self.figures.cad_ratio() {
            writeln!(text, "\ncad / vanilla, one sample: {ratio:.2} of the speed")?;
        }
        if let Some((useful, ratio)) = self.figures.self_consistency() {
            writeln!(
                text,
                "self-consistency, {DRAFTS} drafts: {useful:.1} useful tokens/s, {ratio:.2} of vanilla"
            )?;
        }
        Ok(())
    }

    fn write_profile(&self, text: &mut String) -> Result {
        if self.profile.is_empty() {
            return Ok(());
        }
        let Figures { workload, timings } = &self.figures;
        let (rows, prompt) = (timings[1].0.rows(), workload.prompt_tokens);
        writeln!(text, "\n{:<20} step of {rows} rows  reading {prompt} tokens", "ms")?;
        for Span { name, reading, step } in &self.profile {
            writeln!(text, "{name:<20} {:>14.3} {:>16.1}", step * 1e3, reading * 1e3)?;
        }
        Ok(())
    }

    fn write_bytes(&self, text: &mut String) -> Result {
        let megabytes = |bytes: u64| format!("{:.0} MB", bytes as f64 / 1e6);
        let peak = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), megabytes);
        let Bytes { weights, kv, peak_load, peak: all } = self.bytes;
        let weights = megabytes(weights as u64);
        writeln!(text, "\nweights {weights}, keys and values {}", megabytes(kv))?;
        write!(text, "peak resident {} after loading, {} in all", peak(peak_load), peak(all))
    }
}
