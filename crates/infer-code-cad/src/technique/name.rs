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
    "signature, headless, raw, instruction, masked, masked-sentences or no-examples";

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
                let tokens = |text: &str| text.parse().ok().filter(|tokens| *tokens > 0);
                self.max_new_tokens =
                    part.take("tokens", "a whole number of at least 1", tokens)?;
                keys = &["tokens"];
            }
            "guard" => {
                let guard = self.guard.insert(SyntaxGuard::new(()));
                let count = |text: &str| text.parse().ok().filter(|retries| *retries > 0);
                let expected = "a whole number of at least 1";
                guard.retries = part.take("retries", expected, count)?.unwrap_or(guard.retries);
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
                part.set("passages", "a whole number of at least 1", passages)?;
                part.set("gate", "open or perplexity", &mut self.gate)?;
                keys = &["passages", "gate"];
            }
            "sc" => {
                let (drafts, expected) = (Choice::MEDOID, "a whole number of at least 1");
                let count = |text: &str| text.parse().ok().filter(|drafts| *drafts > 0);
                let drafts = part.take("drafts", expected, count)?.unwrap_or(drafts);
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
    let numbers = |text: &str| text.split('/').map(number).collect();
    if let Some(weights) = part.take("weights", "two weights, as in 1.5/-0.5", numbers)? {
        contrast.alpha = Alpha::Weights(weights);
    }
    Ok(contrast)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::{PaperTechnique, Supplies};

    #[test]
    fn the_six_names_of_the_paper_are_recipes() {
        for technique in PaperTechnique::ALL {
            let name = technique.to_string();
            assert_eq!(name.parse::<Recipe>().unwrap(), technique.recipe());
            assert_eq!(technique.recipe().to_string(), name);
        }
    }

    #[test]
    fn names_are_read_back() {
        for (text, name) in [
            ("rag+cad(alpha=0.2,plausibility=0.1)", "cad(alpha=0.2,plausibility=0.1)+rag"),
            ("sc(drafts=3)+cot", "cot+sc(drafts=3)"),
            ("nucleus(top_p=0.95)", "nucleus(temperature=0.8,top_p=0.95)"),
            ("greedy+cad(weights=1.5/-0.5)", "cad(weights=1.5/-0.5)+greedy"),
            (
                " rag + nucleus(top_k=5,order=llamacpp)",
                "rag+nucleus(temperature=0.8,top_p=0.9,top_k=5,order=llamacpp)",
            ),
            ("sc(drafts=5)+cad(alpha=0.5)", "cad+sc"),
            ("nucleus(min_p=0.1)", "nucleus(temperature=0.8,top_p=0.9,min_p=0.1)"),
            ("rag(passages=3)+cot", "cot+rag(passages=3)"),
            ("rag(passages=1)", "rag"),
            ("rag(gate=perplexity,passages=2)", "rag(passages=2,gate=perplexity)"),
            ("rag(gate=open)", "rag"),
            ("vanilla+greedy", "greedy"),
            ("rag+control", "control+rag"),
            ("control(wording=public-code)+greedy", "control(wording=public-code)+greedy"),
            ("cad(alpha=divergence)", "cad(alpha=divergence)"),
            (
                "cad(gate=constraint:4,alpha=divergence:0.3)",
                "cad(alpha=divergence:0.3,gate=constraint:4)",
            ),
            ("cad(gate=open)", "cad"),
            ("cad(gate=entropy:1.5)", "cad(alpha=0.5,gate=entropy:1.5)"),
            ("cad(question=headless)", "cad(alpha=0.5,question=headless)"),
            ("cad(question=masked-sentences)", "cad(alpha=0.5,question=masked-sentences)"),
            ("cad(modulation=on)", "cad(alpha=0.5,modulation=on)"),
            ("cot(tokens=300)", "cot(tokens=300)"),
            ("beam(beams=5)+rag", "rag+beam(beams=5,length_penalty=1)"),
            ("adadec(lookahead=0)", "adadec(threshold=1,candidates=3,lookahead=0)"),
            ("adapt(temperature=0.4)+cad", "cad+adapt(line_start=1.2,temperature=0.4,top_p=1)"),
            ("nucleus(typical_p=0.9)", "nucleus(temperature=0.8,top_p=0.9,typical_p=0.9)"),
            ("nucleus(top_n_sigma=1)", "nucleus(temperature=0.8,top_p=0.9,top_n_sigma=1)"),
            ("guard(stop=dedent,retries=3)+cad", "cad+guard(retries=3,stop=dedent)"),
            ("guard(retries=10)", "guard"),
            ("vanilla|visible-tests(n=10,wave=4)", "vanilla|visible-tests"),
            (
                "rag+cad(alpha=0.2,plausibility=0.1)|visible-tests(n=20,stop=beta:0.95,repair=on)",
                "cad(alpha=0.2,plausibility=0.1)+rag|visible-tests(n=20,stop=beta:0.95,repair=on)",
            ),
            ("vanilla | vote(rule=hard)", "vanilla|vote(rule=hard)"),
            ("control|mbr-exec(n=5)", "control|mbr-exec(n=5)"),
            ("cot|codet(weights=aces,tests=3)", "cot|codet(tests=3,weights=aces)"),
            ("vanilla|log-prob(n=3)", "vanilla|log-prob(n=3)"),
            ("vanilla|medoid(n=5)", "sc"),
            ("rag|medoid(n=3)", "rag+sc(drafts=3)"),
            ("vanilla|first", "vanilla"),
            ("cad(question=no-examples)", "cad(alpha=0.5,question=no-examples)"),
        ] {
            let recipe: Recipe = text.parse().unwrap();
            assert_eq!(recipe.to_string(), name);
            assert_eq!(name.parse::<Recipe>().unwrap(), recipe);
        }
    }

    #[test]
    fn what_is_no_technique_is_refused_with_the_choices() {
        for (text, complaint) in [
            ("", "\"\" is no part of a technique"),
            ("cad+", "name is missing"),
            ("tree", "\"tree\" is no part of a technique; join some of vanilla, cot, cad"),
            ("cad(alpha)", "a key without a value"),
            ("cad(alpha=x)", "alpha of cad is \"x\", expected a value in [0, 1e6], divergence or"),
            ("cad(alpha=divergence:)", "alpha of cad is \"divergence:\", expected a value"),
            ("cad(alpha=divergence:-1)", "floor of cad is \"-1\", expected a value in [0, 1e6]"),
            (
                "cad(gate=entropy)",
                "gate of cad is \"entropy\", expected open, entropy:NATS, deviation",
            ),
            ("cad(alpha=-1)", "alpha of cad is \"-1\", expected a value in [0, 1e6]"),
            ("cad(weights=1/2/3)", "two weights"),
            ("cad(alpha=1,alpha=2)", "alpha of cad stands twice"),
            ("cot(top_k=3)", "cot has no \"top_k\"; choose tokens"),
            ("greedy(top_k=3)", "greedy has no \"top_k\"; it takes none"),
            ("rag(top_k=3)", "rag has no \"top_k\"; choose passages, gate"),
            ("rag(gate=margin)", "gate of rag is \"margin\", expected open or perplexity"),
            ("rag(passages=0)", "passages of rag is \"0\", expected a whole number of at least 1"),
            ("cad(alpha=1,weights=1/0)", "alpha and weights exclude each other"),
            ("nucleus(top_k=0)", "top_k of nucleus is \"0\", expected at least 1"),
            ("nucleus(min_p=2)", "min_p of nucleus is \"2\", expected a value in [0, 1]"),
            ("nucleus(top_p=1.5)", "top_p of nucleus is \"1.5\", expected a value in (0, 1]"),
            ("sc(drafts=0)", "drafts of sc is \"0\", expected a whole number of at least 1"),
            ("rag+rag", "rag stands twice"),
            ("vanilla|", "is no part of a technique: "),
            (
                "vanilla|best",
                "\"best\" is no way to choose among drafts; behind | stands one of first",
            ),
            ("cad|vote|vote", "a second |"),
            ("vanilla|vote(n=0)", "n of vote is \"0\", expected a whole number of at least 1"),
            ("vanilla|vote(rule=mbr-exec)", "rule of vote is \"mbr-exec\", expected soft or hard"),
            ("vanilla|codet(wave=2)", "codet has no \"wave\"; choose n, tests, weights"),
            (
                "vanilla|visible-tests(stop=beta:2)",
                "stop of visible-tests is \"beta:2\", expected all",
            ),
            ("sc|vote", "sc and vote exclude each other: the answer is chosen in one way"),
            ("greedy|visible-tests", "visible-tests and greedy exclude each other: its drafts"),
            ("beam|log-prob", "its drafts are all the same"),
            ("beam(beams=0)", "beams of beam is \"0\""),
            ("adadec(threshold=NaN)", "threshold of adadec is \"NaN\""),
            ("adapt+nucleus", "nucleus and adapt exclude each other: a token is chosen in one way"),
            ("adapt(line_start=0)", "line_start of adapt is \"0\""),
            ("guard+greedy", "guard and greedy exclude each other"),
            (
                "guard(retries=0)",
                "retries of guard is \"0\", expected a whole number of at least 1",
            ),
            ("cot(tokens=0)", "tokens of cot is \"0\", expected a whole number of at least 1"),
            ("cad(weights=1.5/-0.5,modulation=on)", "modulation"),
            ("cad+cot", "cad and cot exclude each other"),
            ("greedy+nucleus", "nucleus and greedy exclude each other"),
            ("greedy+sc", "draw them with nucleus"),
            ("vanilla+cad", "vanilla is the plain prompt alone"),
            ("control+cad", "control and cad exclude each other: the control is cad without"),
            ("cot+control", "control and cot exclude each other"),
            ("control(alpha=1)", "control has no \"alpha\"; choose wording"),
            (
                "cad(question=no)",
                "question of cad is \"no\", expected signature, headless, raw, instruction, masked, masked-sentences or no-examples",
            ),
        ] {
            let error = text.parse::<Recipe>().unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }

    #[test]
    fn a_setting_beside_a_name_is_the_same_as_in_it() {
        for (name, (part, key, value), expected) in [
            ("vanilla", ("nucleus", "temperature", "0.6"), "nucleus(temperature=0.6,top_p=0.9)"),
            (
                "rag+nucleus(top_p=0.5)",
                ("nucleus", "min_p", "0.1"),
                "rag+nucleus(top_p=0.5,min_p=0.1)",
            ),
            ("sc", ("nucleus", "top_k", "40"), "sc+nucleus(top_k=40)"),
            ("rag+cad", ("cad", "alpha", "0.2"), "rag+cad(alpha=0.2)"),
            ("cad(alpha=1)", ("cad", "plausibility", "0.1"), "cad(alpha=1,plausibility=0.1)"),
            ("cad+rag", ("rag", "passages", "2"), "cad+rag(passages=2)"),
            ("cad", ("nucleus", "temperature", "0.8"), "cad"),
        ] {
            let beside = [PartSetting::new(part, key, value)];
            assert_eq!(Recipe::named(name, &beside).unwrap(), expected.parse().unwrap(), "{name}");
        }
    }

    #[test]
    fn a_setting_beside_a_name_that_does_not_fit_is_refused() {
        for (name, (part, key, value), complaint) in [
            ("cad(alpha=0.5)", ("cad", "alpha", "0.5"), "says alpha of cad itself; leave one out"),
            ("nucleus(top_p=1)", ("nucleus", "top_p", "0.9"), "says top_p of nucleus itself"),
            (
                "rag",
                ("cad", "alpha", "1"),
                "technique rag does not have; take one that has it, such as cad, or leave",
            ),
            (
                "cad",
                ("rag", "passages", "2"),
                "passages = 2 is a setting of rag, which the technique",
            ),
            ("greedy", ("nucleus", "top_p", "0.9"), "leave greedy out, or leave top_p out"),
            ("cad(weights=2/-1)", ("cad", "alpha", "1"), "alpha and weights exclude each other"),
            ("vanilla", ("nucleus", "temperature", "0"), "for the limit zero take Greedy"),
            ("vanilla", ("nucleus", "temperature", "warm"), "temperature of nucleus is \"warm\""),
            ("tree", ("cad", "alpha", "1"), "\"tree\" is no part of a technique"),
        ] {
            let error = Recipe::named(name, &[PartSetting::new(part, key, value)]).unwrap_err();
            assert!(error.to_string().contains(complaint), "{name}: {error}");
        }
    }

    #[test]
    fn passages_must_come_from_somewhere() {
        let error = PaperTechnique::Rag.build(&Supplies::default()).unwrap_err();
        assert_eq!(error, TechniqueError::NoRetriever { technique: "rag".to_owned() });
    }
}
