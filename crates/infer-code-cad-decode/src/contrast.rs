use crate::certainty::Distribution;
use crate::{ContrastGate, DecodeError, Logits, Mix, Settings, TokenId, vector};

/// The contrast of context-aware decoding: a weighted sum of the streams' logits.
///
/// With [`Alpha::Fixed`] the mixed row is `(1 + alpha) * logits[0] - alpha * logits[1]`, which the inner
/// decoder turns into `softmax(..)`, equation 2 of the paper. Raw logits and log-softmax give the same
/// distribution, since a constant added to a row cancels.
///
/// A token that a stream of non-zero weight excludes (`-inf`) stays excluded, where the [gate](ContrastGate) is open.
///
/// Shi et al., [Trusting Your Evidence](https://arxiv.org/abs/2305.14739); the same rule is
/// classifier-free guidance with scale `1 + alpha`
/// (Sanchez et al., [2306.17806](https://arxiv.org/abs/2306.17806)).
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// How the streams are weighted.
    pub alpha: Alpha,
    /// Keeps tokens whose probability under row 0 is at least this share of the best one's, in
    /// `[0, 1]`; 0 keeps all. Contrast inflates rare tokens, and 0.1 stops that
    /// (Li et al., [Contrastive Decoding](https://arxiv.org/abs/2210.15097), section 3.3).
    pub plausibility: f32,
    /// Where it holds.
    pub gate: ContrastGate,
    /// Whether the contrast of a token is multiplied by `p / max p`, its probability under row 0 relative to the
    /// best one's: `logits[0] + alpha * (p / max p) * (logits[0] - logits[1])`, of raw logits. Off by default.
    ///
    /// Tokens that row 0 rules out then stay where they are, so that `alpha` may be large: with row 1 from the
    /// prompt with its anchors masked and `alpha = w - 1` this is selective prompt anchoring, for `w` up to 20,
    /// without its authors' clamps (`p` of at least 1e-6, a change of at most 100). A constant added to a row does
    /// change it. Not with [`Alpha::Weights`], which have no difference to multiply. It costs no weight pass.
    ///
    /// Tian and Zhang, [Selective Prompt Anchoring](https://arxiv.org/abs/2408.09121), and their public code.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_decode::{ContextAware, Contrast, Greedy, Logits, pick};
    ///
    /// // Contrast alone takes token 2, which is next to impossible in context.
    /// let streams = [3.0, 2.9, -5.0, /* masked: */ 3.0, 2.0, -9.0];
    /// # let mut rng = <rand_chacha::ChaCha8Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
    /// let mut decoder = ContextAware::new(4.0, Greedy);
    /// assert_eq!(pick(&decoder, Logits::new(&streams, 2, 3)?, &mut rng)?, 2);
    /// decoder.mix.modulation = true;
    /// assert_eq!(pick(&decoder, Logits::new(&streams, 2, 3)?, &mut rng)?, 1);
    /// # Ok::<(), infer_code_cad_decode::DecodeError>(())
    /// ```
    pub modulation: bool,
}

/// Larger weights could overflow the mixed row.
const LARGEST: f32 = 1e6;
const WEIGHT: &str = "a value in [-1e6, 1e6]";

/// The weight of each stream.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Alpha {
    /// Two streams with the weights `1 + alpha` and `-alpha`; in `[0, 1e6]`, and 0 is the inner
    /// decoder on row 0.
    Fixed(f32),
    /// One weight in `[-1e6, 1e6]` per stream, any number of streams; one must be above 0.
    Weights(Vec<f32>),
    /// Two streams, with the Jensen-Shannon divergence of their distributions in nats for `alpha`, token by token, and at
    /// least `floor`, in `[0, 1e6]`: the more they disagree the stronger is the contrast.
    ///
    /// Wang et al., [AdaCAD](https://arxiv.org/abs/2409.07394).
    Divergence {
        /// The least `alpha`; 0 in the paper's short answers, 0.3 in its long ones.
        floor: f32,
    },
}

impl Contrast {
    /// Equation 2 with a fixed `alpha` and no plausibility mask.
    pub fn new(alpha: f32) -> Self {
        Self {
            alpha: Alpha::Fixed(alpha),
            plausibility: 0.0,
            gate: ContrastGate::Open,
            modulation: false,
        }
    }

    fn exclude_implausible(&self, rows: Logits<'_>, mixed: &mut [f32]) -> Result<(), DecodeError> {
        if self.plausibility == 0.0 {
            return Ok(());
        }
        let floor = rows.peak(0)? + self.plausibility.ln();
        for (mixed, &logit) in mixed.iter_mut().zip(rows.row(0)) {
            if logit < floor {
                *mixed = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }
}

impl Mix for Contrast {
    fn arity(&self) -> usize {
        match &self.alpha {
            Alpha::Fixed(_) | Alpha::Divergence { .. } => 2,
            Alpha::Weights(weights) => weights.len(),
        }
    }

    fn check(&self) -> Result<(), DecodeError> {
        match &self.alpha {
            Alpha::Fixed(alpha) => {
                check("alpha", *alpha, (0.0..=LARGEST).contains(alpha), "a value in [0, 1e6]")?;
            }
            Alpha::Weights(weights) => {
                for &weight in weights {
                    check("weight", weight, weight.abs() <= LARGEST, WEIGHT)?;
                }
                let largest = weights.iter().copied().fold(0.0, f32::max);
                check("the largest weight", largest, largest > 0.0, "a value above 0")?;
                let led = matches!(self.gate, ContrastGate::Constraint(_));
                let arity = weights.len() as f32;
                check("streams under a constraint", arity, !led || arity == 2.0, "two")?;
                check("modulation of weights", arity, !self.modulation, "an alpha")?;
            }
            Alpha::Divergence { floor } => {
                check("floor", *floor, (0.0..=LARGEST).contains(floor), "a value in [0, 1e6]")?;
            }
        }
        self.gate.check()?;
        let share = self.plausibility;
        check("plausibility", share, (0.0..=1.0).contains(&share), "a value in [0, 1]")
    }

    fn mix(
        &mut self,
        rows: Logits<'_>,
        _past: &[TokenId],
        out: &mut Vec<f32>,
    ) -> Result<(), DecodeError> {
        if !self.gate.is_open(rows)? {
            return mix(rows, &[1.0], out);
        }
        let pair;
        let weights = match &self.alpha {
            Alpha::Weights(weights) => weights.as_slice(),
            Alpha::Fixed(alpha) => {
                pair = [1.0 + alpha, -alpha];
                &pair
            }
            Alpha::Divergence { floor } => {
                let rows = [Distribution::of(rows, 0)?, Distribution::of(rows, 1)?];
                let alpha = (rows[0].divergence(&rows[1]) as f32).max(*floor);
                pair = [1.0 + alpha, -alpha];
                &pair
            }
        };
        if self.modulation {
            modulate(rows, -weights[1], out)?;
        } else {
            mix(rows, weights, out)?;
        }
        if let ContrastGate::Constraint(factor) = self.gate {
            lead_by_question(rows, factor, out)?;
        }
        self.exclude_implausible(rows, out)
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("cad");
        let settings = match &self.alpha {
            Alpha::Fixed(alpha) => settings.with("alpha", alpha),
            Alpha::Divergence { floor: 0.0 } => settings.with("alpha", "divergence"),
            Alpha::Divergence { floor } => settings.with("alpha", format!("divergence:{floor}")),
            Alpha::Weights(weights) => {
                let weights: Vec<String> = weights.iter().map(f32::to_string).collect();
                settings.with("weights", weights.join("/"))
            }
        };
        let settings = match self.plausibility {
            0.0 => settings,
            share => settings.with("plausibility", share),
        };
        let settings = match self.gate {
            ContrastGate::Open => settings,
            gate => settings.with("gate", gate),
        };
        if self.modulation { settings.with("modulation", "on") } else { settings }
    }
}

/// The weighted sum of the rows, each counted from its own peak so that large offsets cost no
/// precision.
fn mix(logits: Logits<'_>, weights: &[f32], mixed: &mut Vec<f32>) -> Result<(), DecodeError> {
    mixed.clear();
    mixed.resize(logits.vocab_size(), 0.0);
    for (stream, &weight) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        let peak = logits.peak(stream)?;
        vector::mix(mixed, logits.row(stream), peak, weight);
    }
    Ok(())
}

/// Row 0 and `alpha` times the rows' difference, for each token by its probability relative to the best one's.
fn modulate(rows: Logits<'_>, alpha: f32, mixed: &mut Vec<f32>) -> Result<(), DecodeError> {
    if alpha == 0.0 {
        return mix(rows, &[1.0], mixed);
    }
    let peak = rows.peak(0)?;
    rows.peak(1)?; // or its fault
    mixed.clear();
    mixed.resize(rows.vocab_size(), 0.0);
    vector::modulate(mixed, [rows.row(0), rows.row(1)], peak, alpha);
    Ok(())
}

/// Replaces row 0 by row 1 in what leads the tokens that [`ContrastGate::Constraint`] names; both as log-probabilities.
fn lead_by_question(rows: Logits<'_>, factor: f32, mixed: &mut [f32]) -> Result<(), DecodeError> {
    let (first, second) = (Distribution::of(rows, 0)?, Distribution::of(rows, 1)?);
    let (row, other) = (rows.row(0), rows.row(1));
    let possible = |logit: &&f32| **logit > f32::NEG_INFINITY;
    let least = row.iter().filter(possible).copied().fold(f32::INFINITY, f32::min);
    let (high, low) = (first.peak() - factor.ln(), least + factor.ln());
    let has_rivals = row.iter().filter(|logit| **logit > high).count() > 1;
    let normalizer = |of: &Distribution<'_>| (f64::from(of.peak()) + of.log_mass()) as f32;
    let shift = normalizer(&first) - normalizer(&second);
    for ((mixed, &logit), &other) in mixed.iter_mut().zip(row).zip(other) {
        let is_likely = logit > high && has_rivals;
        if *mixed == f32::NEG_INFINITY || is_likely || logit < low {
            continue;
        }
        *mixed += other - logit + shift;
    }
    Ok(())
}

pub(crate) fn check(
    name: &'static str,
    value: f32,
    in_range: bool,
    expected: &'static str,
) -> Result<(), DecodeError> {
    if in_range && value.is_finite() {
        return Ok(());
    }
    Err(DecodeError::Parameter { name, value, expected })
}
