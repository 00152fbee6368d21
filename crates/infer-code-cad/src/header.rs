use std::collections::BTreeSet;
use std::fmt;

use infer_code_cad_decode::Settings;
use infer_code_cad_engine::{LogProbs, NUMERICS};
use infer_code_cad_tasks::{Extraction, Task, TextDefects};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::form::SettingsForm;
use crate::{Error, Executor, Preset, SolveConfig, Technique};

/// The format of result files; raised with every change of a field, of its meaning or of the order. A field
/// that is added and has a default where it is missing raises nothing: files without it go on.
pub(crate) const VERSION: u64 = 2;

/// Everything that the tokens and the verdicts of a run depend on, so that results of different runs never
/// mix: the first line of a result file.
///
/// Technique, model, judge and limits come as the [`Settings`] of their parts, so a decoder, a prompter or
/// a judge of one's own changes it too. It holds nothing that differs from day to day or from directory to
/// directory. The prompts themselves are in lines of their own, each with its fingerprint.
///
/// # Examples
/// ```
/// use infer_code_cad::RunHeader;
/// # use infer_code_cad::{Executor, SolveConfig, Solver, Supplies, Technique, embedded};
/// # use infer_code_cad::{engine::EngineConfig, sandbox::{Limits, ScriptedJudge}};
/// # let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// # let executor = Executor::new(solver, ScriptedJudge::new(), Limits::default());
/// # let technique = Technique::named("vanilla", &Supplies::default())?;
/// # let tasks = embedded::tasks()?;
/// let config = SolveConfig::default();
/// let was = RunHeader::new("tiny", &technique, &tasks, &executor, &config)?;
/// let mut now = was.clone();
/// now.seed = 1;
/// let differences = was.differences(&now);
/// assert_eq!(differences.len(), 1);
/// assert_eq!(differences[0].to_string(), "seed 0, this run has 1");
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RunHeader {
    /// The format of the file.
    pub version: u64,
    /// Benchmark and split.
    pub benchmark: String,
    /// The technique by its name, with its prompter, decoder and selector.
    #[serde(with = "SettingsForm")]
    pub technique: Settings,
    /// The model, how it is held and where it runs, its tokenizer, template and ends of text.
    #[serde(with = "SettingsForm")]
    pub model: Settings,
    /// How prompts were put to the model.
    #[serde(with = "SettingsForm")]
    pub prompt_format: Settings,
    /// Samples per problem.
    pub n_samples: usize,
    /// Longest completion in tokens.
    pub max_new_tokens: usize,
    /// Longest prompt and completion together, in tokens, where there is such a limit.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// Stop strings, sorted: their order says nothing.
    pub stop: Vec<String>,
    /// Texts that end a completion as a token, sorted.
    #[serde(default)]
    pub stop_tokens: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Which log-probabilities are kept: `off`, `chosen` or `top(n=5)`.
    #[serde(with = "SettingsForm")]
    pub log_probs: Settings,
    /// How programs were cut out of completions; files from before this was written have the first rules.
    #[serde(with = "SettingsForm", default = "first_extraction")]
    pub extraction: Settings,
    /// The preset by its name, with all that it filled in; where something else was asked for, the other fields
    /// say that. [`Preset::read`](crate::Preset::read) reads it back.
    #[serde(with = "SettingsForm", default = "first_preset")]
    pub preset: Settings,
    /// The engine's [`NUMERICS`].
    pub numerics: u32,
    /// What runs programs for selections.
    #[serde(with = "SettingsForm")]
    pub bench: Settings,
    /// What judges.
    #[serde(with = "SettingsForm")]
    pub judge: Settings,
    /// What one program may use.
    #[serde(with = "SettingsForm")]
    pub limits: Settings,
    /// A fingerprint of all hidden tests, with helpers, setup code and reference solutions.
    pub tests: String,
    /// The problems, in the order of results.
    pub tasks: Vec<String>,
}

impl RunHeader {
    /// The header of a run. `benchmark` says what the tasks are, such as `mbpp test`.
    ///
    /// # Errors
    /// [`Error::DuplicateTask`]; those of [`PromptFormat::settings`](crate::PromptFormat::settings).
    pub fn new(
        benchmark: &str,
        technique: &Technique,
        tasks: &[Task],
        executor: &Executor,
        config: &SolveConfig,
    ) -> Result<Self, Error> {
        let model = &executor.solver.model;
        Ok(Self {
            version: VERSION,
            benchmark: benchmark.to_owned(),
            technique: Settings { name: technique.name.clone(), ..technique.settings() },
            model: model.settings(),
            prompt_format: config.prompt_format.settings(model)?,
            n_samples: config.n_samples,
            max_new_tokens: config.max_new_tokens,
            max_length: config.max_length,
            stop: sorted(&config.stop),
            stop_tokens: sorted(&config.stop_tokens),
            seed: config.seed,
            log_probs: log_probs(config.log_probs),
            extraction: with_defects(extraction(config.extraction), config.text_defects),
            preset: config.preset.settings(),
            numerics: NUMERICS,
            bench: executor.solver.judge.settings(),
            judge: executor.judge.settings(),
            limits: executor.limits.settings(),
            tests: tests(tasks),
            tasks: task_ids(tasks)?,
        })
    }

    /// Every setting that differs from that of another run.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let (was, now) = (self.entries(), now.entries());
        let value = |of: &[(String, String)], setting: &str| {
            let found = of.iter().find(|(known, _)| known == setting);
            found.map_or("nothing".to_owned(), |(_, value)| value.clone())
        };
        let settings: BTreeSet<&String> =
            was.iter().chain(&now).map(|(setting, _)| setting).collect();
        let both = settings.into_iter().map(|setting| Difference {
            setting: setting.clone(),
            was: value(&was, setting),
            now: value(&now, setting),
        });
        both.filter(|both| both.was != both.now).collect()
    }

    /// Every setting by name, those of parts as `technique.decoder`.
    pub(crate) fn entries(&self) -> Vec<(String, String)> {
        let quoted = |texts: &[String]| {
            texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" ")
        };
        let max_length = self.max_length.map_or("none".to_owned(), |tokens| tokens.to_string());
        let mut entries: Vec<(String, String)> = [
            ("version", self.version.to_string()),
            ("benchmark", self.benchmark.clone()),
            ("n_samples", self.n_samples.to_string()),
            ("max_new_tokens", self.max_new_tokens.to_string()),
            ("max_length", max_length),
            ("stop", quoted(&self.stop)),
            ("stop_tokens", quoted(&self.stop_tokens)),
            ("seed", self.seed.to_string()),
            ("log_probs", self.log_probs.to_string()),
            ("numerics", self.numerics.to_string()),
            ("tests", self.tests.clone()),
            ("tasks", format!("{} ({})", self.tasks.len(), self.tasks.join(" "))),
        ]
        .map(|(setting, value)| (setting.to_owned(), value))
        .into();
        for (part, Settings { name, values }) in [
            ("technique", &self.technique),
            ("model", &self.model),
            ("prompt_format", &self.prompt_format),
            ("extraction", &self.extraction),
            ("preset", &self.preset),
            ("bench", &self.bench),
            ("judge", &self.judge),
            ("limits", &self.limits),
        ] {
            entries.push((part.to_owned(), name.clone()));
            entries
                .extend(values.iter().map(|(key, value)| (format!("{part}.{key}"), value.clone())));
        }
        entries
    }
}

/// A setting in which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which one, as `seed` or `technique.decoder`.
    pub setting: String,
    /// Its value in the result file.
    pub was: String,
    /// Its value now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, was, now } = self;
        let same = was.chars().zip(now.chars()).take_while(|(a, b)| a == b).count();
        write!(f, "{setting} {}, this run has {}", excerpt(was, same), excerpt(now, same))
    }
}

/// Characters of a value that a message shows, and how many of them may precede the difference.
const SHOWN: usize = 120;
const BEFORE: usize = 30;

/// A long value around where it begins to differ.
fn excerpt(value: &str, same: usize) -> String {
    if value.chars().count() <= SHOWN {
        return value.to_owned();
    }
    let skipped = same.saturating_sub(BEFORE);
    let rest: Vec<char> = value.chars().skip(skipped).collect();
    let shown: String = rest.iter().take(SHOWN).collect();
    let (before, after) =
        (if skipped > 0 { ".." } else { "" }, if rest.len() > SHOWN { ".." } else { "" });
    format!("{before}{shown}{after}")
}

/// The first differences in words.
pub(crate) fn summary(differences: &[Difference]) -> String {
    let mut text: Vec<String> = differences.iter().take(3).map(ToString::to_string).collect();
    if differences.len() > 3 {
        text.push(format!("{} more differ", differences.len() - 3));
    }
    text.join("; ")
}

fn log_probs(asked: LogProbs) -> Settings {
    match asked {
        LogProbs::Off => Settings::new("off"),
        LogProbs::Chosen => Settings::new("chosen"),
        LogProbs::Top(n) => Settings::new("top").with("n", n),
    }
}

/// The rules of today.
pub(crate) fn extraction(rules: Extraction) -> Settings {
    extraction_of(rules, Extraction::VERSION)
}

fn extraction_of(rules: Extraction, version: u32) -> Settings {
    let settings = Settings::new(rules.to_string());
    if rules == Extraction::AsIs { settings } else { settings.with("version", version) }
}

fn with_defects(mut settings: Settings, defects: TextDefects) -> Settings {
    for (name, on) in [("leading_space", defects.leading_space), ("clean_up", defects.clean_up)] {
        if on {
            settings = settings.with(name, on);
        }
    }
    settings
}

/// Files from before presets were written with the default one.
fn first_preset() -> Settings {
    Preset::default().settings()
}

fn sorted(texts: &[String]) -> Vec<String> {
    BTreeSet::from_iter(texts.to_vec()).into_iter().collect()
}

fn first_extraction() -> Settings {
    extraction_of(Extraction::Plain, 1)
}

/// A fingerprint of what judges the answers to `tasks`.
pub(crate) fn tests(tasks: &[Task]) -> String {
    let add = |hash: Fingerprint, task: &Task| {
        let hidden = &task.hidden;
        let hash = hash.text(&task.problem.task_id).text(&hidden.setup).text(&hidden.asserts);
        // What the prompt defines is fingerprinted with the prompt.
        let shown = hidden.helpers == task.problem.preamble;
        let hash = if shown { hash } else { hash.text(&hidden.helpers) };
        // A missing reference is not an empty one.
        hidden
            .reference
            .iter()
            .fold(hash.number(hidden.reference.is_some().into()), |hash, text| hash.text(text))
    };
    tasks.iter().fold(Fingerprint::new(), add).to_string()
}

/// Results are told apart by task, and so are the random numbers.
pub(crate) fn task_ids(tasks: &[Task]) -> Result<Vec<String>, Error> {
    let mut seen = BTreeSet::new();
    let id = |task: &Task| {
        let id = task.problem.task_id.clone();
        if seen.insert(id.clone()) { Ok(id) } else { Err(Error::DuplicateTask { task_id: id }) }
    };
    tasks.iter().map(id).collect()
}
