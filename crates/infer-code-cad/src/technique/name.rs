//! The grammar of technique names.

use std::fmt;
use std::str::FromStr;

use infer_code_cad_decode::{Alpha, Contrast, ContrastGate, Mix, Settings};

use super::choice::{Choice, switch};
use super::part::{Part, split_choice};
use super::sampler::Sampler;
use crate::preset::Family;
use crate::{
    PartSetting, PassageGate, Preset, Question, Recipe, SyntaxGuard, TechniqueError, Wording,
};

/// What `question` of `cad` may be.
const QUESTIONS: &str =
    "signature, headless, raw, instruction, masked, masked-sentences, masked-tokens or no-examples";

/// What its `alpha` may be.
const ALPHAS: &str = "a value in [0, 1e6], divergence or divergence:FLOOR";

/// The keys of `cad`.
const CAD: [&str; 7] =
    ["alpha", "plausibility", "weights", "gate", "modulation", "question", "wording"];

/// The parts of names.
const PARTS: [&str; 12] = [
    "vanilla", "cot", "cad", "control", "rag", "sc", "nucleus", "adapt", "greedy", "beam",
    "adadec", "guard",
];

impl FromStr for Recipe {
    type Err = TechniqueError;

    fn from_str(text: &str) -> Result<Self, TechniqueError> {
        Self::under(&Preset::default(), text, &[])
    }
}

impl Recipe {
    /// The recipe of a name, with settings that are given beside it.
    ///
    /// They are the same as if they stood in the name. `nucleus` is there whether it is said or not.
    ///
    /// # Errors
    /// [`TechniqueError::SaidTwice`] for what the name says itself, [`TechniqueError::NoSuchPart`] for a part
    /// that it does not have, and whatever is wrong with the name or a value.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad::{PartSetting, Recipe};
    ///
    /// let alpha = PartSetting::new("cad", "alpha", "0.2");
    /// assert_eq!(Recipe::named("rag+cad", &[alpha.clone()])?, "rag+cad(alpha=0.2)".parse()?);
    /// assert!(Recipe::named("rag", &[alpha]).is_err(), "rag has no alpha");
    /// # Ok::<(), infer_code_cad::TechniqueError>(())
    /// ```
    pub fn named(name: &str, beside: &[PartSetting]) -> Result<Self, TechniqueError> {
        Self::under(&Preset::default(), name, beside)
    }

    /// [`Recipe::named`], where what is not said is a preset's.
    ///
    /// The recipe then says all of it itself: its own name is the same under every preset.
    ///
    /// # Errors
    /// As [`Recipe::named`].
    pub fn under(
        preset: &Preset,
        name: &str,
        beside: &[PartSetting],
    ) -> Result<Self, TechniqueError> {
        let (parts, choice) = split_choice(name)?;
        // What is wrong with the name comes first.
        let plain = Self::of(Part::all(parts)?, choice, preset)?;
        if beside.is_empty() {
            return Ok(plain);
        }
        let mut all = Part::all(parts)?;
        beside.iter().try_for_each(|setting| setting.add_to(&mut all, name.trim()))?;
        Self::of(all, choice, preset)
    }

    fn of(parts: Vec<Part>, choice: Option<&str>, preset: &Preset) -> Result<Self, TechniqueError> {
        let has = |name| parts.iter().any(|part| part.name() == name);
        let family = Family::new(has("cad") || has("control"), has("rag"));
        let sampler = Sampler::Nucleus(preset.drawing_of(family).sampler);
        let (mut recipe, mut seen) = (Self { sampler, ..Self::default() }, Vec::new());
        for part in parts {
            let name = PARTS.into_iter().find(|known| *known == part.name());
            let name = name.ok_or_else(|| TechniqueError::UnknownPart {
                name: part.name().to_owned(),
                choices: PARTS.join(", "),
            })?;
            if seen.contains(&name) {
                return Err(TechniqueError::Twice { name: name.to_owned() });
            }
            seen.push(name);
            recipe.add(part, preset)?;
        }
        expect_together(&seen)?;
        if let Some(choice) = choice {
            let choice = Choice::read(choice.parse()?)?;
            if seen.contains(&"sc") {
                let reason = "the answer is chosen in one way; leave one out";
                let (first, second) = ("sc", choice.name());
                return Err(TechniqueError::Together { first, second, reason });
            }
            recipe.choice = choice;
        }
        recipe.check()?;
        Ok(recipe)
    }
}

/// Refuses parts that a recipe cannot hold both.
fn expect_together(seen: &[&'static str]) -> Result<(), TechniqueError> {
    let both = |first, second, reason| match seen.contains(&first) && seen.contains(&second) {
        true => Err(TechniqueError::Together { first, second, reason }),
        false => Ok(()),
    };
    for (place, first) in Sampler::NAMES.into_iter().enumerate() {
        for second in &Sampler::NAMES[place + 1..] {
            both(first, second, "a token is chosen in one way; leave one out")?;
        }
    }
    ["cot", "cad", "control", "rag", "sc"].into_iter().try_for_each(|other| {
        both("vanilla", other, "vanilla is the plain prompt alone; leave it out")
    })
}

impl fmt::Display for Recipe {
    /// The parts in a fixed order, with what differs from the paper.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.thinks_first {
            let cot = Settings::new("cot");
            parts.push(match self.max_new_tokens {
                Some(tokens) => cot.with("tokens", tokens),
                None => cot,
            });
        }
        if let Some(contrast) = &self.contrast {
            let is_paper = *contrast == Self::contrast()
                && self.question == Question::default()
                && self.wording == Wording::default();
            let cad = if is_paper { Settings::new("cad") } else { contrast.settings() };
            parts.push(self.worded(cad));
        }
        if self.control {
            parts.push(self.worded(Settings::new("control")));
        }
        if let Some(passages) = self.passages {
            parts.push(rag(passages, self.gate));
        }
        let is_sc = matches!(self.choice, Choice::Medoid { .. });
        match self.choice {
            Choice::Medoid { drafts: Choice::MEDOID } => parts.push(Settings::new("sc")),
            Choice::Medoid { drafts } => parts.push(Settings::new("sc").with("drafts", drafts)),
            _ => {}
        }
        parts.extend(self.sampler.settings());
        parts.extend(self.guard.as_ref().map(guard));
        if parts.is_empty() {
            parts.push(Settings::new("vanilla"));
        }
        let parts: Vec<String> = parts.iter().map(Settings::to_string).collect();
        let choice = match &self.choice {
            Choice::First => String::new(),
            _ if is_sc => String::new(),
            choice => format!("|{choice}"),
        };
        f.pad(&(parts.join("+") + &choice))
    }
}

impl Recipe {
    /// A part with what its prompt has otherwise than the paper's.
    fn worded(&self, mut part: Settings) -> Settings {
        if self.question != Question::default() {
            part = part.with("question", self.question);
        }
        if self.wording != Wording::default() {
            part = part.with("wording", self.wording);
        }
        part
    }

    fn add(&mut self, mut part: Part, preset: &Preset) -> Result<(), TechniqueError> {
        let mut keys: &[&str] = &[];
        match part.name() {
            "cot" => {
                self.thinks_first = true;
                let mut tokens = 0;
                part.count("tokens", &mut tokens)?;
                self.max_new_tokens = (tokens > 0).then_some(tokens);
                keys = &["tokens"];
            }
            "guard" => {
                let guard = self.guard.insert(SyntaxGuard::new(()));
                part.count("retries", &mut guard.retries)?;
                let stop = |text: &str| match text {
                    "run" => Some(false),
                    "dedent" => Some(true),
                    _ => None,
                };
                guard.stop_at_dedent = part.take("stop", "run or dedent", stop)?.unwrap_or(false);
                keys = &["retries", "stop"];
            }
            name if Sampler::NAMES.contains(&name) => keys = self.sampler.read(&mut part)?,
            "cad" => {
                self.contrast = Some(contrast(&mut part)?);
                self.question = preset.question();
                part.set("question", QUESTIONS, &mut self.question)?;
                self.word(&mut part, preset)?;
                keys = &CAD;
            }
            "control" => {
                self.control = true;
                self.word(&mut part, preset)?;
                keys = &["wording"];
            }
            "rag" => {
                let passages = self.passages.insert(Self::PASSAGES);
                part.count("passages", passages)?;
                part.set("gate", "open or perplexity", &mut self.gate)?;
                keys = &["passages", "gate"];
            }
            "sc" => {
                let mut drafts = Choice::MEDOID;
                part.count("drafts", &mut drafts)?;
                self.choice = Choice::Medoid { drafts };
                keys = &["drafts"];
            }
            _ => {}
        }
        part.finish(keys)
    }

    fn word(&mut self, part: &mut Part, preset: &Preset) -> Result<(), TechniqueError> {
        self.wording = preset.wording();
        part.set("wording", "table4 or public-code", &mut self.wording)
    }
}

/// The guard with what is not its default.
fn guard(guard: &SyntaxGuard<()>) -> Settings {
    let (default, mut settings) = (SyntaxGuard::new(()), Settings::new("guard"));
    if guard.retries != default.retries {
        settings = settings.with("retries", guard.retries);
    }
    if guard.stop_at_dedent { settings.with("stop", "dedent") } else { settings }
}

/// Retrieval with what differs from the paper.
fn rag(passages: usize, gate: PassageGate) -> Settings {
    let mut settings = Settings::new("rag");
    if passages != Recipe::PASSAGES {
        settings = settings.with("passages", passages);
    }
    if gate != PassageGate::Open {
        settings = settings.with("gate", gate);
    }
    settings
}

fn contrast(part: &mut Part) -> Result<Contrast, TechniqueError> {
    if part.has("alpha") && part.has("weights") {
        let reason = "the weights of the streams stand for alpha; leave one out";
        return Err(TechniqueError::Together { first: "alpha", second: "weights", reason });
    }
    if part.has("modulation") && part.has("weights") {
        let reason = "it scales what an alpha weighs; leave one out";
        return Err(TechniqueError::Together { first: "modulation", second: "weights", reason });
    }
    let mut contrast = Recipe::contrast();
    part.set("plausibility", "a value in [0, 1]", &mut contrast.plausibility)?;
    let number = |text: &str| text.parse::<f32>().ok().map(|number| number + 0.0); // no -0
    let alpha = |text: &str| match text.strip_prefix("divergence") {
        Some("") => Some(Alpha::Divergence { floor: 0.0 }),
        Some(floor) => {
            floor.strip_prefix(':').and_then(number).map(|floor| Alpha::Divergence { floor })
        }
        None => number(text).map(Alpha::Fixed),
    };
    if let Some(alpha) = part.take("alpha", ALPHAS, alpha)? {
        contrast.alpha = alpha;
    }
    part.set("gate", ContrastGate::NAMES, &mut contrast.gate)?;
    contrast.modulation = part.take("modulation", "on or off", switch)?.unwrap_or(false);
    let numbers = |text: &str| {
        let numbers: Option<Vec<f32>> = text.split('/').map(number).collect();
        numbers.filter(|numbers| numbers.len() == 2)
    };
    if let Some(weights) = part.take("weights", "two weights, as in 1.5/-0.5", numbers)? {
        contrast.alpha = Alpha::Weights(weights);
    }
    Ok(contrast)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
