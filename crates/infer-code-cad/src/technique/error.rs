/// Why a technique cannot be made from its name.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TechniqueError {
    /// The text of a part does not read.
    #[error("{text:?} is no part of a technique: {reason}; write a name or name(key=value,...)")]
    Syntax {
        /// The part.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody has a part of this name.
    #[error("{name:?} is no part of a technique; join some of {choices} by +")]
    UnknownPart {
        /// What was asked for.
        name: String,
        /// The parts there are.
        choices: String,
    },
    /// Nobody chooses so among drafts.
    #[error("{name:?} is no way to choose among drafts; behind | stands one of {choices}")]
    UnknownChoice {
        /// What was asked for.
        name: String,
        /// The ways there are.
        choices: String,
    },
    /// The part has no such key.
    #[error("{part} has no {key:?}; {choices}")]
    UnknownKey {
        /// The part.
        part: String,
        /// What was asked for.
        key: String,
        /// The keys it has.
        choices: String,
    },
    /// A value does not read, or is out of its range.
    #[error("{key} of {part} is {value:?}, expected {expected}")]
    Value {
        /// The part.
        part: String,
        /// The key.
        key: String,
        /// What was asked for.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A part, or a key of a part, stands twice.
    #[error("{name} stands twice; leave one out")]
    Twice {
        /// Its name.
        name: String,
    },
    /// A setting is given beside a technique whose name says it already.
    #[error(
        "{key} = {value} is given beside the technique {technique}, which says {key} of {part} itself; \
         leave one out"
    )]
    SaidTwice {
        /// The part.
        part: &'static str,
        /// The key.
        key: &'static str,
        /// What is given beside the name.
        value: String,
        /// The name.
        technique: String,
    },
    /// A setting is given beside a technique that has no such part.
    #[error(
        "{key} = {value} is a setting of {part}, which the technique {technique} does not have; \
         {remedy}, or leave {key} out"
    )]
    NoSuchPart {
        /// The part.
        part: &'static str,
        /// The key.
        key: &'static str,
        /// What is given beside the name.
        value: String,
        /// The name.
        technique: String,
        /// How the technique would get the part.
        remedy: String,
    },
    /// Two parts exclude each other.
    #[error("{first} and {second} exclude each other: {reason}")]
    Together {
        /// A part.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A technique needs passages and has none.
    #[error(
        "technique {technique} retrieves passages and was given no retriever; name a passage file"
    )]
    NoRetriever {
        /// The technique's name.
        technique: String,
    },
}
