//! The seccomp filters that candidates run behind, as programs for the kernel.
//!
//! Three lists make the policy. What none of them names does not exist for a candidate (`ENOSYS`):
//! neither does what a future kernel brings. A filter sees numbers only, so which paths may be opened
//! is Landlock's to say.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

mod calls;

use calls::{
    ALLOWED, ALLOWED_IF, FORKS, NO_FORKS, NOT_TRUSTED, OWNER, REFUSED, REFUSED_IF, SETTLED,
    TRUSTED, TRUSTED_IF, UNSUPPORTED,
};

/// A system call, and when a rule is about it: where all tests hold.
type Rule = (c_long, &'static [Test]);

/// A test of one argument, counted from 0.
#[derive(Debug, Clone, Copy)]
enum Test {
    /// Its lower half, which is all that the kernel reads of an `int`, is this value.
    Is(u8, u64),
    /// Its lower half is another value.
    IsNot(u8, u64),
    /// Of its bits under the mask (second), those of the value (third) are set and no others.
    Bits(u8, u64, u64),
    /// All of it, a pointer, is null.
    Null(u8),
    /// It is a pointer to something.
    NotNull(u8),
}

/// The programs by what the driver calls them, each in hexadecimal digits, in the order in which they
/// are to be installed (of several that answer with an error, the last decides with which).
///
/// - `worker`: once, for the worker's own processes too: it takes the kernel a while to accept
/// - `allow`: what every candidate has on top; it makes no processes
/// - `fork`: the same, and it may make processes
/// - `owner`: between, where a candidate runs as the user who started the sandbox
///
/// Empty on architectures that there are no filters for; the driver refuses that.
pub(crate) fn programs() -> BTreeMap<&'static str, Vec<String>> {
    let lists = [
        ("worker", vec![allow(), answer(libc::EOPNOTSUPP, UNSUPPORTED, &[]), refuse()]),
        ("allow", vec![confine(&[NO_FORKS, SETTLED])]),
        ("fork", vec![confine(&[])]),
        ("owner", vec![answer(libc::EPERM, &[], &[OWNER])]),
    ];
    let written = lists.into_iter().map(|(name, programs)| {
        let programs: Option<Vec<_>> = programs.into_iter().collect();
        (name, programs.unwrap_or_default().iter().map(hexadecimal).collect())
    });
    written.collect()
}

/// Lets through what candidates may have and what the trusted processes need; all else does not exist.
fn allow() -> Option<BpfProgram> {
    let calls = [ALLOWED, TRUSTED].concat();
    let rules = [ALLOWED_IF, TRUSTED_IF, FORKS];
    program(&calls, &rules, SeccompAction::Errno(errno(libc::ENOSYS)), SeccompAction::Allow)
}

/// Refuses plainly what programs ask for and nobody here needs.
fn refuse() -> Option<BpfProgram> {
    answer(libc::EPERM, REFUSED, &[REFUSED_IF])
}

/// Takes from a candidate what the trusted processes need, and `more`.
fn confine(more: &[&[Rule]]) -> Option<BpfProgram> {
    answer(libc::EPERM, TRUSTED, &[&[NOT_TRUSTED], more].concat())
}

fn answer(error: i32, calls: &[c_long], rules: &[&[Rule]]) -> Option<BpfProgram> {
    program(calls, rules, SeccompAction::Allow, SeccompAction::Errno(errno(error)))
}

fn errno(error: i32) -> u32 {
    error.unsigned_abs()
}

/// One program: `matched` for `calls` whatever their arguments and for `rules`, else `other`. It ends
/// the process of a call in another architecture's way.
fn program(
    calls: &[c_long],
    rules: &[&[Rule]],
    other: SeccompAction,
    matched: SeccompAction,
) -> Option<BpfProgram> {
    let mut chains: BTreeMap<c_long, Vec<SeccompRule>> = BTreeMap::new();
    for (call, tests) in rules.iter().copied().flatten() {
        let conditions = tests.iter().map(|test| test.condition()).collect::<Option<Vec<_>>>()?;
        let chain = chains.entry(*call).or_default();
        if !conditions.is_empty() {
            chain.push(SeccompRule::new(conditions).ok()?);
        }
    }
    chains.extend(calls.iter().map(|call| (*call, Vec::new()))); // no rules: whatever the arguments
    let architecture = std::env::consts::ARCH.try_into().ok()?;
    SeccompFilter::new(chains, other, matched, architecture).ok()?.try_into().ok()
}

impl Test {
    fn condition(self) -> Option<SeccompCondition> {
        use SeccompCmpArgLen::{Dword, Qword};
        use SeccompCmpOp::{Eq, MaskedEq, Ne};
        let (argument, length, operator, value) = match self {
            Self::Is(argument, value) => (argument, Dword, Eq, value),
            Self::IsNot(argument, value) => (argument, Dword, Ne, value),
            Self::Bits(argument, mask, value) => (argument, Qword, MaskedEq(mask), value),
            Self::Null(argument) => (argument, Qword, Eq, 0),
            Self::NotNull(argument) => (argument, Qword, Ne, 0),
        };
        SeccompCondition::new(argument, length, operator, value).ok()
    }
}

/// The kernel's `sock_filter`s as they lie in memory, 8 bytes each.
fn hexadecimal(program: &BpfProgram) -> String {
    let bytes = program.iter().flat_map(|instruction| {
        let [a, b] = instruction.code.to_ne_bytes();
        let [c, d, e, f] = instruction.k.to_ne_bytes();
        [a, b, instruction.jt, instruction.jf, c, d, e, f]
    });
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
