mod labels;
mod palette;
mod panel;
#[cfg(feature = "png")]
mod png;
mod sheet;

pub(crate) use palette::{colour_class, dark_style, style_sheet};
pub(crate) use panel::Panel;

use panel::Point;

use crate::pareto::pareto_front;
use crate::tables::{arms_on, benchmarks};
use crate::text::{one_line, shortened, slug};
use crate::{ReportError, StudyReport};

/// What accuracy is set against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cost {
    /// Tokens per second; more is better.
    Throughput,
    /// The most memory held; less is better, and the axis runs to the left, so that up and right is always better.
    Memory,
}

/// A trade-off on one benchmark: a panel for each k, with the arms as numbered points, intervals as bars and the
/// arms that no other beats joined by a line.
///
/// He et al., *Inference-Time Techniques for Efficient Code Generation*, Figures 2 and 3.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    name: String,
    benchmark: String,
    caption: String,
    panels: Vec<Panel>,
    /// The arms by index, with their names.
    legend: Vec<(usize, String)>,
}

impl Figure {
    /// A name for files: `humaneval-throughput`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The benchmark.
    pub fn benchmark(&self) -> &str {
        &self.benchmark
    }

    /// What it shows, in words.
    pub fn caption(&self) -> &str {
        &self.caption
    }

    /// All panels side by side over a legend, light or dark as its reader prefers.
    ///
    /// # Errors
    /// [`ReportError::Figure`].
    pub fn svg(&self) -> Result<String, ReportError> {
        Ok(with_head(&self.drawn()?, &self.caption, &dark_style()))
    }

    /// The same as PNG, light.
    ///
    /// # Errors
    /// [`ReportError::Figure`].
    #[cfg(feature = "png")]
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        png::of_svg(&self.drawn()?).map_err(|reason| self.wrong(reason))
    }

    /// A drawing for each k, coloured by the page.
    pub(crate) fn panel_svgs(&self) -> Result<Vec<String>, ReportError> {
        let draw = |panel: &Panel| {
            let drawn = panel.svg().map_err(|reason| self.wrong(reason))?;
            Ok(with_head(&drawn, &format!("{}: {}", self.caption, panel.title()), ""))
        };
        self.panels.iter().map(draw).collect()
    }

    pub(crate) fn legend(&self) -> &[(usize, String)] {
        &self.legend
    }

    fn drawn(&self) -> Result<String, ReportError> {
        sheet::svg(&self.caption, &self.panels, &self.legend).map_err(|reason| self.wrong(reason))
    }

    fn wrong(&self, reason: String) -> ReportError {
        ReportError::Figure { name: self.name.clone(), reason }
    }
}

/// All figures, benchmark by benchmark.
pub(crate) fn figures(report: &StudyReport<'_>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = vec![];
    for benchmark in benchmarks(report) {
        for cost in [Cost::Throughput, Cost::Memory] {
            figures.extend(figure(report, benchmark, cost));
        }
    }
    // Benchmarks whose names differ in signs alone would overwrite each other's files.
    for index in 1..figures.len() {
        let name = figures[index].name.clone();
        if figures[..index].iter().any(|earlier| earlier.name == name) {
            figures[index].name = format!("{name}-{index}");
        }
    }
    figures
}

fn figure(report: &StudyReport<'_>, benchmark: &str, cost: Cost) -> Option<Figure> {
    let panels: Vec<Panel> =
        report.study.ks.iter().filter_map(|&k| panel(report, benchmark, cost, k)).collect();
    let shown =
        |index: &usize| panels.iter().any(|panel| panel.points().iter().any(|p| p.arm == *index));
    let arms: Vec<_> =
        arms_on(report, benchmark).into_iter().filter(|(index, _)| shown(index)).collect();
    let several = arms.iter().any(|(_, arm)| arm.model != arms[0].1.model);
    let name = |arm: &crate::StudyArm| {
        let name = one_line(&arm.name);
        if several { format!("{name}, {}", one_line(&arm.model)) } else { name }
    };
    let legend = arms.iter().map(|(index, arm)| (*index, shortened(&name(arm), 48))).collect();
    let (word, title) = match cost {
        Cost::Throughput => ("throughput", "Accuracy against throughput"),
        Cost::Memory => ("memory", "Accuracy against peak memory"),
    };
    (!panels.is_empty()).then(|| Figure {
        name: format!("{}-{word}", slug(benchmark)),
        benchmark: benchmark.to_owned(),
        caption: format!("{title}, {}", one_line(benchmark)),
        panels,
        legend,
    })
}

/// The arms that have both numbers; `None` without any.
fn panel(report: &StudyReport<'_>, benchmark: &str, cost: Cost, k: u64) -> Option<Panel> {
    let known = arms_on(report, benchmark).into_iter().filter_map(|(index, arm)| {
        let at = report.results.arms[index].pass_at(k)?;
        let x = match cost {
            Cost::Throughput => arm.speed.tokens_per_second?,
            Cost::Memory => arm.memory.peak_bytes? as f64 / 1e6,
        };
        Some(Point { arm: index, x, y: at.value, low: at.low, high: at.high, on_front: false })
    });
    let mut points: Vec<Point> = known.collect();
    let sign = if cost == Cost::Memory { -1.0 } else { 1.0 };
    let goods: Vec<(f64, f64)> = points.iter().map(|point| (sign * point.x, point.y)).collect();
    pareto_front(&goods).into_iter().for_each(|index| points[index].on_front = true);
    (!points.is_empty()).then(|| Panel::new(k, cost, points))
}

/// The drawing with a name for readers who do not see it, and a style.
fn with_head(svg: &str, title: &str, style: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let head = format!(" role=\"img\">\n<title>{title}</title>\n{style}");
    svg.replacen(">\n", &head, 1)
}
