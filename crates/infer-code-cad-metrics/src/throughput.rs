use std::iter::Sum;
use std::time::Duration;

/// Tokens and wall time of generation, prefill and decode apart.
///
/// Only generated tokens count as output; prompt tokens are cheap and many, so adding them in would
/// flatter a technique for its long prompts. A technique that runs several streams or drafts per
/// answer counts the tokens of the answer, or of all drafts: say which beside the figure.
///
/// Tokens and times are of the same work. A run that is broken off counts the tokens it gives up, as their time
/// is in it; then the rates of a run that went through and of one that was resumed are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throughput {
    /// Prompt tokens run through the model.
    pub prefill_tokens: u64,
    /// Wall time of the prefill, and of drawing first tokens from what it computed.
    pub prefill_time: Duration,
    /// Tokens generated, also those that were given up.
    pub decode_tokens: u64,
    /// Wall time of the decode steps.
    pub decode_time: Duration,
    /// Prompts that were read, each for all the tokens that were drawn from it.
    pub prompts: u64,
    /// The prefill time of runs that counted their prompts: all of it, or nothing where `prompts` is not known.
    pub prompts_time: Duration,
    /// How many of the generated tokens were the first of their completion. They are drawn from what the
    /// prefill computed, without a pass through the model and in its time, so they are no part of the rate of
    /// decoding.
    pub first_tokens: u64,
}

impl Throughput {
    /// Adds the tokens and times of another run that came before or after this one.
    ///
    /// Rates of the result are total tokens over total time, not a mean of rates. Runs side by side
    /// share their wall time: do not merge those.
    pub fn merge(&mut self, other: Self) {
        self.prefill_tokens += other.prefill_tokens;
        self.prefill_time += other.prefill_time;
        self.decode_tokens += other.decode_tokens;
        self.decode_time += other.decode_time;
        self.prompts += other.prompts;
        self.prompts_time += other.prompts_time;
        self.first_tokens += other.first_tokens;
    }

    /// Decode rate: generated tokens after the first of each completion, per second of decode time; 0 when
    /// there are none.
    pub fn tokens_per_second(&self) -> f64 {
        rate(self.decode_tokens.saturating_sub(self.first_tokens), self.decode_time)
    }

    /// Time to first token: prefill time per prompt, the drawing of the first token of each of its completions
    /// included. It is the model's time, so waiting behind other prompts is not in it. Runs that did not count
    /// their prompts are left out. `None` without a prompt.
    pub fn first_token_time(&self) -> Option<Duration> {
        (self.prompts > 0).then(|| self.prompts_time.div_f64(self.prompts as f64))
    }

    /// Prompt tokens per second of prefill time, the drawing of first tokens included; 0 when there was no prompt.
    pub fn prefill_tokens_per_second(&self) -> f64 {
        rate(self.prefill_tokens, self.prefill_time)
    }

    /// Generated tokens, first ones included, per second of prefill and decode time together: the rate a user
    /// sees.
    pub fn total_tokens_per_second(&self) -> f64 {
        rate(self.decode_tokens, self.prefill_time + self.decode_time)
    }
}

impl Sum for Throughput {
    fn sum<I: Iterator<Item = Self>>(runs: I) -> Self {
        runs.fold(Self::default(), |mut total, run| {
            total.merge(run);
            total
        })
    }
}

fn rate(tokens: u64, time: Duration) -> f64 {
    if tokens == 0 { 0.0 } else { tokens as f64 / time.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Throughput = Throughput {
        prefill_tokens: 300,
        prefill_time: Duration::from_secs(1),
        decode_tokens: 66,
        decode_time: Duration::from_secs(3),
        prompts: 2,
        prompts_time: Duration::from_secs(1),
        first_tokens: 6,
    };

    #[test]
    fn only_generated_tokens_are_output() {
        assert_eq!(RUN.tokens_per_second(), 20.0);
        assert_eq!(RUN.prefill_tokens_per_second(), 300.0);
        assert_eq!(RUN.total_tokens_per_second(), 16.5, "first tokens included");
        assert_eq!(RUN.first_token_time(), Some(Duration::from_millis(500)));
    }

    #[test]
    fn nothing_generated_is_a_rate_of_zero() {
        let nothing = Throughput::default();
        assert_eq!(nothing.tokens_per_second(), 0.0);
        assert_eq!(nothing.prefill_tokens_per_second(), 0.0);
        assert_eq!(nothing.total_tokens_per_second(), 0.0);
        assert_eq!(nothing.first_token_time(), None);
        let first = Throughput { decode_tokens: 6, ..RUN };
        assert_eq!(first.tokens_per_second(), 0.0, "none after the first");
    }

    #[test]
    fn a_sum_is_total_tokens_over_total_time() {
        let slow = Throughput { decode_time: Duration::from_secs(9), ..RUN };
        let both: Throughput = [RUN, slow].into_iter().sum();
        assert_eq!(both.tokens_per_second(), 120.0 / 12.0);
        assert_eq!(both.prefill_tokens, 600);
        assert_eq!(both.prefill_time, Duration::from_secs(2));
    }

    #[test]
    fn runs_that_did_not_count_prompts_have_no_part_in_the_time_to_first_token() {
        let old = Throughput { prompts: 0, prompts_time: Duration::ZERO, first_tokens: 0, ..RUN };
        let both: Throughput = [RUN, old].into_iter().sum();
        assert_eq!(both.prefill_time, Duration::from_secs(2));
        assert_eq!(both.first_token_time(), RUN.first_token_time());
        assert_eq!(old.first_token_time(), None);
    }
}
