//! Plans by name, and what flags change of them.

use std::path::{Path, PathBuf};

use clap::Args;
use infer_code_cad::{Plan, Preset};

use crate::common::{Failure, positive};

/// What to run.
#[derive(Args)]
pub(crate) struct PlanArgs {
    /// tables (1 and 2 of the paper), contrasts (the confirmatory study), alpha (the choice of its alpha), factors
    /// (what the contrast does), tune (what to switch on for a model), selection (which of five drafts), budget (what ten
    /// drafts buy), drafts (of another prompt; repairs), decoding (how tokens are drawn), search (greedy and beams), family
    /// (the rest of CAD's family), spa (one of it, confirmed), tiny (the embedded problems), or a TOML file like those.
    #[arg(long, value_name = "NAME", default_value = "tables")]
    plan: String,
    /// Of a plan the one table of the paper: 1 (HumanEval) or 2 (MBPP's validation split).
    #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
    table: Option<u8>,
    /// Of a plan these arms alone, by name.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    arms: Vec<String>,
    /// What the arms have in common, instead of the plan's: default, paper or paper-code.
    #[arg(long, value_name = "NAME")]
    preset: Option<Preset>,
    /// Samples of each problem, instead of the plan's.
    #[arg(long, value_parser = positive)]
    n: Option<usize>,
    /// Seeds, instead of the plan's.
    #[arg(long, value_name = "SEED,..", value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Only the first problems of each benchmark.
    #[arg(long, value_name = "N", value_parser = positive)]
    problems: Option<usize>,
    /// A first table in ten minutes on two cores: --problems 20 --n 2 --seeds 0.
    #[arg(long, conflicts_with_all = ["n", "seeds", "problems"])]
    quick: bool,
    /// The folder with HumanEval.jsonl.gz and mbpp.jsonl; without it both are the Hugging Face hub's (`--features
    /// hub,parquet`).
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
}

impl PlanArgs {
    /// The plan with what the flags change.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        let mut plan: Plan = match self.plan.as_str() {
            "tables" => include_str!("tables.toml").parse()?,
            "contrasts" => include_str!("contrasts.toml").parse()?,
            "alpha" => include_str!("alpha.toml").parse()?,
            "factors" => include_str!("factors.toml").parse()?,
            "tune" => include_str!("tune.toml").parse()?,
            "selection" => include_str!("selection.toml").parse()?,
            "budget" => include_str!("budget.toml").parse()?,
            "drafts" => include_str!("drafts.toml").parse()?,
            "decoding" => include_str!("decoding.toml").parse()?,
            "search" => include_str!("search.toml").parse()?,
            "family" => include_str!("family.toml").parse()?,
            "spa" => include_str!("spa.toml").parse()?,
            "tiny" => include_str!("tiny.toml").parse()?,
            path => Plan::read(Path::new(path))?,
        };
        if let Some(table) = self.table {
            let benchmark = if table == 1 { "humaneval" } else { "mbpp validation" };
            plan.benchmarks.retain(|name| name == benchmark);
            plan.title = format!("Table {table}");
        }
        if let Some(preset) = &self.preset {
            plan.preset = preset.clone();
        }
        if !self.seeds.is_empty() {
            plan.seeds.clone_from(&self.seeds);
        }
        plan.samples = self.n.unwrap_or(plan.samples);
        plan.problems = self.problems.or(plan.problems);
        if self.quick {
            (plan.problems, plan.samples, plan.seeds) = (Some(20), 2, vec![0]);
            plan.title = format!("{}, a first look", plan.title);
        }
        if let Some(name) =
            self.arms.iter().find(|name| plan.arms.iter().all(|arm| arm.name != **name))
        {
            return Err(format!("the plan has no arm {name:?}").into());
        }
        if !self.arms.is_empty() {
            plan.keep(|arm| self.arms.contains(&arm.name));
        }
        plan.check()?;
        Ok(plan)
    }
}
