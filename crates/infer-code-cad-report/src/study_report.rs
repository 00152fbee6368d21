use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::study::Study;
use crate::{Figure, ReportError, Results, Statistics, csv, figure, html, markdown};

/// A study with its figures, ready to be written.
///
/// Equal studies give equal bytes, whatever the machine and the day.
///
/// # Examples
/// ```
/// use infer_code_cad_report::{Statistics, Study, StudyReport};
///
/// let study = Study { title: "Nothing yet".into(), ..Study::default() };
/// let report = StudyReport::new(&study, &Statistics::default())?;
/// assert!(report.html()?.contains("<h1>Nothing yet</h1>"));
/// # Ok::<(), infer_code_cad_report::ReportError>(())
/// ```
#[derive(Debug)]
pub struct StudyReport<'a> {
    pub(crate) study: &'a Study,
    pub(crate) statistics: Statistics,
    pub(crate) results: Results,
    pub(crate) fingerprint: String,
}

#[derive(Serialize)]
struct ReportFile<'a> {
    format: u64,
    fingerprint: &'a str,
    results: &'a Results,
    study: &'a Study,
}

impl<'a> StudyReport<'a> {
    /// Checks `study` and computes its figures.
    ///
    /// # Errors
    /// [`ReportError::DuplicateArm`], [`ReportError::DuplicateProblem`], [`ReportError::NoSample`],
    /// [`ReportError::DifferentProblems`], [`ReportError::UnknownControl`], [`ReportError::NotJudged`],
    /// [`ReportError::NotANumber`], [`ReportError::ZeroK`]: the study; [`ReportError::Statistics`] where an arm
    /// with a control has fewer samples than the tested k, or `statistics` are out of their ranges.
    pub fn new(study: &'a Study, statistics: &Statistics) -> Result<Self, ReportError> {
        study.check()?;
        let results = Results::new(study, statistics)?;
        Ok(Self { study, statistics: *statistics, results, fingerprint: study.fingerprint() })
    }

    /// The figures.
    pub fn results(&self) -> &Results {
        &self.results
    }

    /// [`Study::fingerprint`].
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// One HTML page with everything in it: it asks for nothing, runs no script and works from a file.
    ///
    /// # Errors
    /// [`ReportError::Figure`].
    pub fn html(&self) -> Result<String, ReportError> {
        html::page(self)
    }

    /// The tables as Markdown, with the figures as links to `figures/`. Programs and prompts are left to the
    /// page and to JSON.
    pub fn markdown(&self) -> String {
        markdown::page(self)
    }

    /// A row per arm and k.
    pub fn arms_csv(&self) -> String {
        csv::arms(self)
    }

    /// A row per arm and problem.
    pub fn problems_csv(&self) -> String {
        csv::problems(self)
    }

    /// The study and its figures; [`Study::from_json`] reads the study back.
    ///
    /// # Errors
    /// [`ReportError::Json`].
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(&ReportFile {
            format: crate::study::FORMAT,
            fingerprint: &self.fingerprint,
            results: &self.results,
            study: self.study,
        })?)
    }

    /// Accuracy against throughput, and against memory, for each benchmark that has two numbers to show.
    pub fn figures(&self) -> Vec<Figure> {
        figure::figures(self)
    }

    /// Writes all of it into `folder`, which is made: `index.html`, `report.md`, `arms.csv`, `problems.csv`,
    /// `report.json`, and `figures/` as SVG and, with the feature `png`, as PNG. Returns what was written.
    ///
    /// # Errors
    /// [`ReportError::Io`]; those of the forms.
    pub fn write_to(&self, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
        let mut written = vec![];
        let mut put = |name: String, bytes: &[u8]| {
            let path = folder.join(name);
            put(&path, bytes)?;
            written.push(path);
            Ok::<(), ReportError>(())
        };
        put("index.html".to_owned(), self.html()?.as_bytes())?;
        put("report.md".to_owned(), self.markdown().as_bytes())?;
        put("arms.csv".to_owned(), self.arms_csv().as_bytes())?;
        put("problems.csv".to_owned(), self.problems_csv().as_bytes())?;
        put("report.json".to_owned(), self.json()?.as_bytes())?;
        for figure in self.figures() {
            put(format!("figures/{}.svg", figure.name()), figure.svg()?.as_bytes())?;
            #[cfg(feature = "png")]
            put(format!("figures/{}.png", figure.name()), &figure.png()?)?;
        }
        Ok(written)
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let io = |source| ReportError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io)?;
    }
    fs::write(path, bytes).map_err(io)
}
