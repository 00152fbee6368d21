use infer_code_cad_decode::Settings;
use infer_code_cad_tasks::Problem;

use crate::{Bench, Draft, SelectError, Selecting, Selection, Selector};

/// One draft, taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct First;

impl Selector for First {
    fn most_drafts(&self) -> usize {
        1
    }

    fn begin(&self, _: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(Self))
    }

    fn settings(&self) -> Settings {
        Settings::new("first")
    }
}

impl Selecting for First {
    fn next(&mut self, _: &[Draft], _: &Bench<'_>) -> Result<Selection, SelectError> {
        Ok(Selection::answer(0, "the only draft"))
    }
}
