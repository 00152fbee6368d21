use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{Failure, say};
use crate::gpu;

/// What became of each part, on disk after each.
pub(crate) struct Record<'a> {
    out: &'a Path,
    json: Value,
    failed: Vec<String>,
}

impl<'a> Record<'a> {
    /// From here on what panics is told by the record alone.
    pub(crate) fn new(out: &'a Path, head: Value) -> Self {
        set_hook(Box::new(|_| {}));
        let mut json = head;
        json["parts"] = json!([]);
        Self { out, json, failed: vec![] }
    }

    /// Adds a field beside the parts.
    pub(crate) fn set(&mut self, field: &str, value: Value) {
        self.json[field] = value;
    }

    /// Runs a part and writes what it says; that it failed is no error, that nothing can be written is.
    pub(crate) fn part(
        &mut self,
        name: &str,
        run: impl FnOnce() -> Result<Value, Failure>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            Err(gpu::told(text(panic.as_ref()).unwrap_or("a panic without a text")).into())
        });
        let seconds = start.elapsed().as_secs_f64();
        let mut part = json!({ "name": name, "seconds": seconds });
        match outcome {
            Ok(figures) => {
                say(format_args!("{name}: {seconds:.1} s"));
                part["figures"] = figures;
            }
            Err(error) => {
                say(format_args!("{name}: failed"));
                part["error"] = json!(error.to_string());
                self.failed.push(format!("{name}: {error}"));
            }
        }
        self.json["parts"].as_array_mut().ok_or("no parts")?.push(part);
        self.json["failed"] = json!(self.failed.len());
        let text = format!("{:#}\n", self.json);
        fs::write(self.out, text).map_err(|error| {
            Failure::from(format!("{} cannot be written: {error}", self.out.display()))
        })
    }

    /// As [`Record::part`], and its failure ends the run.
    pub(crate) fn needed(
        &mut self,
        name: &str,
        run: impl FnOnce() -> Result<Value, Failure>,
    ) -> Result<(), Failure> {
        self.part(name, run)?;
        self.outcome()
    }

    /// An error if a part failed.
    pub(crate) fn outcome(&self) -> Result<(), Failure> {
        match self.failed.as_slice() {
            [] => Ok(()),
            [one] => Err(one.as_str().into()),
            [first, ..] => Err(format!("{} parts failed; {first}", self.failed.len()).into()),
        }
    }
}

fn text(panic: &(dyn Any + Send)) -> Option<&str> {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied())
}
