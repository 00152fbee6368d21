//! Which statements of a text make up the program: definitions and what they need, without demonstrations.

use crate::builtins::is_builtin;
use crate::item::{Item, Names};
use crate::syntax::Kind;
use std::collections::{HashMap, HashSet};

/// A statement that may become part of the program.
#[derive(Debug)]
pub(crate) struct Candidate<'c, 't> {
    pub(crate) item: Item<'c, 't>,
    pub(crate) names: Names<'t>,
    /// 0 for a stub, 1 for what was cut off, [`WHOLE`] for a whole statement.
    pub(crate) rank: u8,
    /// It stands with the entry point, not in another block.
    pub(crate) is_main: bool,
}

/// The rank of a statement of which nothing is missing.
pub(crate) const WHOLE: u8 = 2;

impl<'c, 't> Candidate<'c, 't> {
    pub(crate) fn new(item: Item<'c, 't>, is_main: bool) -> Self {
        let whole = item.whole();
        let rank = u8::from(whole.has_body()) * if item.is_complete() { WHOLE } else { 1 };
        Self { names: whole.names(), item: whole, rank, is_main }
    }

    fn kind(&self) -> Kind {
        self.item.kind()
    }

    fn calls(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.names.free.iter().any(|used| used.called && is_meant(used.name))
    }

    fn uses(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.names.free.iter().any(|used| is_meant(used.name))
    }

    fn binds_one_of(&self, names: &HashSet<&str>) -> bool {
        self.names.bound.iter().any(|name| names.contains(name))
    }

    /// True for what does more than define.
    fn runs(&self) -> bool {
        matches!(self.kind(), Kind::Effect | Kind::Assignment)
    }

    /// Names that are looked up as soon as the statement runs.
    pub(crate) fn at_load(&self) -> impl Iterator<Item = &'t str> {
        self.names.free.iter().filter(|used| !used.deferred).map(|used| used.name)
    }

    /// True for code that waits for a user.
    fn reads_input(&self) -> bool {
        self.calls(|name| name == "input")
            || self.item.has_text("sys.stdin")
            || self.item.has_text("sys.argv")
    }

    /// True for `random.seed(0)`, `sys.setrecursionlimit(n)`, `getcontext().prec = 9` and the like.
    fn sets_up(&self, is_imported: impl Fn(&str) -> bool) -> bool {
        let settings = [".set", "seed(", ".filterwarnings(", ".simplefilter(", ".stack_size("];
        let changes_module = self.names.changed.iter().any(|name| is_imported(name));
        match self.kind() {
            Kind::Assignment if self.names.bound.is_empty() && changes_module => true,
            Kind::Effect
                if changes_module && settings.iter().any(|text| self.item.has_text(text)) =>
            {
                true
            }
            Kind::Effect | Kind::Assignment => self.is_dynamic(),
            _ => false,
        }
    }

    /// True for code that may bind any name.
    fn is_dynamic(&self) -> bool {
        self.calls(|name| ["exec", "setattr", "globals", "vars"].contains(&name))
    }

    /// True for what a framework of tests runs.
    fn is_test_case(&self) -> bool {
        self.item.is_definition()
            && self
                .at_load()
                .any(|name| ["unittest", "TestCase", "pytest", "hypothesis"].contains(&name))
    }
}

/// Of the candidates, in order, those that the program keeps.
///
/// Every definition is kept unless loading it would fail for a name that nothing binds; of other blocks
/// those that test the entry point are left out. Constants, and calls and loops that fill tables, are
/// kept before the entry point, and elsewhere where a kept definition needs them. What calls the entry
/// point or a function that tests it, what waits for input, and what prints or asserts, demonstrates. An
/// import that only dropped code uses is dropped with it.
pub(crate) fn kept(
    candidates: &[Candidate<'_, '_>],
    given: &HashSet<String>,
    entry: &str,
) -> Vec<bool> {
    let pool = Pool::new(candidates, given, entry);
    let core = pool.reached(Vec::new(), |_| true);
    let tests = pool.tests(&core);
    let allowed = pool.allowed(&tests);
    let bound = pool.bound(&allowed);
    let loads = |at: usize| pool.loads(&candidates[at], &bound);
    let roots = (0..candidates.len()).filter(|at| {
        let found = &candidates[*at];
        let is_test = !core[*at] && found.binds_one_of(&tests);
        let definition = found.item.is_definition() && (found.is_main || !is_test);
        let has_effect = !found.names.bound.is_empty() || !found.names.changed.is_empty();
        let leads = has_effect && found.is_main && pool.entry_at.is_some_and(|entry| *at < entry);
        let sets_up = || found.sets_up(|name| pool.imported.contains(name));
        allowed[*at] && loads(*at) && (definition || leads || sets_up())
    });
    let mut kept = pool.reached(roots.collect(), |at| {
        let found = &candidates[at];
        let is_entry = found.item.defines(entry)
            || pool.entry_at.is_none() && found.names.bound.contains(&entry);
        allowed[at] && (!found.runs() || is_entry || loads(at))
    });
    pool.add_imports(&mut kept, &tests, &core);
    kept
}

/// All that may be kept.
struct Pool<'a, 't> {
    candidates: &'a [Candidate<'a, 't>],
    given: &'a HashSet<String>,
    entry: &'a str,
    /// By each name, the candidates that give it a value or change it.
    binders: HashMap<&'a str, Vec<usize>>,
    defined: HashSet<&'a str>,
    imported: HashSet<&'a str>,
    /// The last definition of the entry point.
    entry_at: Option<usize>,
    imports_all: bool,
}

impl<'a, 't> Pool<'a, 't> {
    fn new(
        candidates: &'a [Candidate<'a, 't>],
        given: &'a HashSet<String>,
        entry: &'a str,
    ) -> Self {
        let mut binders: HashMap<&str, Vec<usize>> = HashMap::new();
        let (mut defined, mut imported) = (HashSet::new(), HashSet::new());
        for (at, found) in candidates.iter().enumerate() {
            let names = &found.names;
            names
                .bound
                .iter()
                .chain(&names.changed)
                .for_each(|name| binders.entry(name).or_default().push(at));
            match found.kind() {
                Kind::Import => imported.extend(names.bound.iter().copied()),
                _ if found.item.is_definition() => defined.extend(names.bound.iter().copied()),
                _ => {}
            }
        }
        let entry_at = candidates.iter().rposition(|found| found.item.defines(entry));
        let imports_all = candidates.iter().any(|found| found.item.imports_all());
        Self { candidates, given, entry, binders, defined, imported, entry_at, imports_all }
    }

    /// The roots, and what they and the entry point need, directly or through each other.
    fn reached(&self, roots: Vec<usize>, is_allowed: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.candidates.len()];
        let mut names = vec![self.entry];
        let mut seen = HashSet::new();
        let add = |at: usize, reached: &mut Vec<bool>, names: &mut Vec<&'a str>| {
            if !std::mem::replace(&mut reached[at], true) {
                let found = &self.candidates[at].names;
                names.extend(found.bound.iter().chain(&found.changed));
                names.extend(found.free.iter().map(|used| used.name));
            }
        };
        roots.into_iter().for_each(|at| add(at, &mut reached, &mut names));
        while let Some(name) = names.pop() {
            let binders = self.binders.get(name).filter(|_| seen.insert(name));
            let binders = binders.into_iter().flatten().copied().filter(|at| is_allowed(*at));
            binders.for_each(|at| add(at, &mut reached, &mut names));
        }
        reached
    }

    /// The entry point and the functions that test it: those that use it, though it needs them not, or
    /// wait for input.
    fn tests(&self, core: &[bool]) -> HashSet<&'a str> {
        let others = || {
            self.candidates
                .iter()
                .zip(core)
                .filter(|(found, core)| found.item.is_definition() && !**core)
        };
        let mut users: HashMap<&str, Vec<&'a str>> = HashMap::new();
        let mut names = vec![self.entry];
        for (found, _) in others() {
            let bound = &found.names.bound;
            found
                .names
                .free
                .iter()
                .for_each(|used| users.entry(used.name).or_default().extend(bound));
            if found.reads_input()
                || bound.iter().any(|name| *name == "main" || name.starts_with("test"))
            {
                names.extend(bound);
            }
        }
        let mut tests = HashSet::new();
        while let Some(name) = names.pop() {
            if tests.insert(name) {
                names.extend(users.get(name).into_iter().flatten());
            }
        }
        tests
    }

    /// False for demonstrations, and for changes of a value that was one's.
    fn allowed(&self, tests: &HashSet<&str>) -> Vec<bool> {
        let mut is_kept: HashMap<&str, bool> = HashMap::new(); // the last value of the name
        let allowed = self.candidates.iter().enumerate().map(|(at, found)| {
            let is_dropped = |name: &&str| is_kept.get(*name) == Some(&false);
            let changes_dropped = found.runs() && found.names.changed.iter().any(is_dropped);
            let is_allowed = self.is_allowed(at, tests) && !changes_dropped;
            is_kept.extend(found.names.bound.iter().map(|name| (*name, is_allowed)));
            is_allowed
        });
        allowed.collect()
    }

    /// False for demonstrations.
    fn is_allowed(&self, at: usize, tests: &HashSet<&str>) -> bool {
        let found = &self.candidates[at];
        match found.kind() {
            _ if found.item.defines(self.entry) => true,
            Kind::Function | Kind::Class => !found.is_test_case(),
            Kind::Import => true,
            Kind::Assignment => {
                let calls = found.calls(|name| tests.contains(name));
                !calls && !found.reads_input() && self.may_assign(at)
            }
            Kind::Effect => {
                let uses = found.uses(|name| tests.contains(name) || name == "__name__");
                let is_imported = |name: &str| self.imported.contains(name);
                let of_modules = !found.names.changed.is_empty()
                    && found.names.changed.iter().all(|name| is_imported(name));
                let demonstrates = uses && !found.is_dynamic();
                !demonstrates && !found.reads_input() && (!of_modules || found.sets_up(is_imported))
            }
            _ => false,
        }
    }

    /// After the entry point, a name that means something else already gets a value only where that is
    /// made of a function of the text, as in `f = cache(f)`.
    fn may_assign(&self, at: usize) -> bool {
        let found = &self.candidates[at];
        if self.entry_at.is_none_or(|entry| at < entry) {
            return true;
        }
        let is_taken = |name: &&str| {
            is_builtin(name)
                || self.defined.contains(name)
                || self.imported.contains(name)
                || self.given.contains(*name)
        };
        let is_made = found.names.free.iter().any(|used| {
            (!used.called || found.item.is_reference()) && self.defined.contains(used.name)
        });
        is_made || !found.names.bound.iter().any(is_taken)
    }

    /// Names that what is allowed binds, statements that run only where they can.
    fn bound(&self, allowed: &[bool]) -> HashSet<&str> {
        let allowed = self.candidates.iter().zip(allowed).filter(|(_, allowed)| **allowed);
        let (running, plain): (Vec<_>, Vec<_>) = allowed
            .map(|(found, _)| found)
            .partition(|found| found.runs() && !found.item.defines(self.entry));
        let mut bound: HashSet<&str> = self.given.iter().map(String::as_str).collect();
        bound.extend(plain.iter().flat_map(|found| &found.names.bound));
        // Again, for what a block further down gives.
        for found in running.iter().chain(&running) {
            if self.loads(found, &bound) {
                bound.extend(&found.names.bound);
            }
        }
        bound
    }

    /// True when all that the statement looks up at once is there.
    fn loads(&self, found: &Candidate<'_, '_>, bound: &HashSet<&str>) -> bool {
        let is_there = |name: &str| {
            is_builtin(name) || bound.contains(name) || found.names.bound.contains(&name)
        };
        let is_asked = found.item.has_text("except NameError");
        self.imports_all || is_asked || found.at_load().all(is_there)
    }

    /// Adds the imports that stand with the entry point, but for those that only dropped code uses.
    fn add_imports(&self, kept: &mut [bool], tests: &HashSet<&str>, core: &[bool]) {
        let (mut needed, mut shown) = (HashSet::from([self.entry]), HashSet::new());
        for (at, found) in self.candidates.iter().enumerate() {
            let is_test = !core[at] && found.binds_one_of(tests);
            for used in &found.names.free {
                let is_needed = kept[at] && !(is_test && used.deferred);
                if is_needed {
                    needed.insert(used.name)
                } else {
                    shown.insert(used.name)
                };
            }
        }
        for (at, found) in self.candidates.iter().enumerate() {
            if found.kind() != Kind::Import {
                continue;
            }
            let is_needed = found.binds_one_of(&needed);
            let only_shown = !is_needed && found.binds_one_of(&shown);
            let is_whole = found.item.imports_all() || found.item.is_future();
            let is_own = self.entry_at.is_some() && found.names.bound == [self.entry];
            kept[at] = !is_own && (is_whole || is_needed || (found.is_main && !only_shown));
        }
    }
}
