mod process;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use infer_code_cad_decode::Settings;
use serde_json::json;

use crate::source::{Document, DocumentKind, Documents, Skipped, Source, SourceError, unique};
use process::{Line, Outcome};

/// So often a package is begun again without the module that ended the interpreter.
const ATTEMPTS: usize = 20;

/// The packages that are installed for a Python interpreter, and its standard library.
///
/// One document per public object: its title is the qualified name with the parameters, its text the docstring with its
/// examples, its location the module's file and line below the folder of packages. Public is what `__all__` lists or
/// what does not begin with `_`, and the package itself defines; of several names the shortest is taken, the others are
/// listed at the end. Methods are told of by the class that defines them. Modules named `test`, `tests` or `conftest`
/// are left out.
///
/// Modules are imported, each package in a process of its own, without the folder that this process runs in and without
/// `PYTHONPATH`. An import that fails, exits, crashes or hangs costs that module alone; it is reported. What modules
/// print goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PythonEnvironment {
    /// The interpreter, such as `python3` or the one in a virtual environment.
    pub interpreter: PathBuf,
    /// Names of distributions or of their modules; `python` is the standard library. None are all of them.
    pub packages: Vec<String>,
    /// The longest that one module may take to import; 60 seconds.
    pub patience: Duration,
}

impl PythonEnvironment {
    /// All that `interpreter` has.
    pub fn new(interpreter: impl Into<PathBuf>) -> Self {
        let patience = Duration::from_secs(60);
        Self { interpreter: interpreter.into(), packages: Vec::new(), patience }
    }
}

impl Source for PythonEnvironment {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let packages = self.wanted(self.installed()?)?;
        Ok(Box::new(packages.into_iter().flat_map(|package| self.walk(&package))))
    }

    fn settings(&self) -> Settings {
        let packages =
            if self.packages.is_empty() { "all".to_owned() } else { self.packages.join("+") };
        Settings::new("python")
            .with("interpreter", self.interpreter.display())
            .with("packages", packages)
    }
}

/// A distribution, or the standard library.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    modules: Vec<String>,
}

impl Package {
    fn is_called(&self, name: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
        // Every module of the standard library is a name of it no more than `numpy.linalg` is one of NumPy.
        let is_it = |module: &String| {
            module.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let module = self.name != "python" && self.modules.iter().any(is_it);
        plain(&self.name) == plain(name) || module
    }
}

impl PythonEnvironment {
    fn installed(&self) -> Result<Vec<Package>, SourceError> {
        let error = |why| SourceError::Interpreter {
            interpreter: self.interpreter.display().to_string(),
            why,
        };
        let (lines, outcome) =
            process::run(&self.interpreter, &json!({ "packages": true }), self.patience);
        if let Outcome::Failed(why) = outcome {
            return Err(error(why));
        }
        let package = |line| match line {
            Line::Package { package, version, modules } => {
                Some(Package { name: package, version, modules })
            }
            _ => None,
        };
        let mut packages: Vec<Package> = lines.into_iter().filter_map(package).collect();
        // The standard library comes first.
        packages
            .get_mut(1..)
            .unwrap_or_default()
            .sort_by_key(|package| package.name.to_lowercase());
        Ok(packages)
    }

    fn wanted(&self, mut packages: Vec<Package>) -> Result<Vec<Package>, SourceError> {
        for name in &self.packages {
            if !packages.iter().any(|package| package.is_called(name)) {
                let interpreter = self.interpreter.display().to_string();
                return Err(SourceError::NoPackage { interpreter, package: name.clone() });
            }
        }
        packages.retain(|package| {
            self.packages.is_empty() || self.packages.iter().any(|name| package.is_called(name))
        });
        Ok(packages)
    }

    /// The documents of a package. A module that ends the process is left out the next time.
    fn walk(&self, package: &Package) -> Vec<Result<Document, Skipped>> {
        let mut left_out = Vec::new();
        let mut items = Vec::new();
        loop {
            let ask =
                json!({ "packages": false, "modules": package.modules, "left_out": left_out });
            let (lines, outcome) = process::run(&self.interpreter, &ask, self.patience);
            let Outcome::Failed(why) = outcome else {
                items.extend(told(package, lines));
                return items;
            };
            let loading = lines.iter().rev().find_map(|line| match line {
                Line::Loading { loading } => Some(loading.clone()),
                _ => None,
            });
            match loading.filter(|module| !module.is_empty()) {
                Some(module) if left_out.len() < ATTEMPTS => {
                    items.push(Err(Skipped::new(module.clone(), why)));
                    left_out.push(module);
                }
                _ => {
                    items.push(Err(Skipped::new(format!("the rest of {}", package.name), why)));
                    items.extend(told(package, lines));
                    return items;
                }
            }
        }
    }
}

fn told(package: &Package, lines: Vec<Line>) -> Vec<Result<Document, Skipped>> {
    let mut seen = HashMap::new();
    let mut item = |line| match line {
        Line::Object { name, title, text, location } => {
            let id = unique(&mut seen, format!("{}:{name}", package.name));
            let document = Document::new(id, title, text);
            let (origin, version) = (package.name.clone(), package.version.clone());
            Some(Ok(Document { origin, version, location, kind: DocumentKind::Object, ..document }))
        }
        Line::Skipped { skipped, why } => Some(Err(Skipped::new(skipped, why))),
        _ => None,
    };
    lines.into_iter().filter_map(&mut item).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
