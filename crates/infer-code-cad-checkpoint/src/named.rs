use crate::CheckpointError;

/// `ALL`, `Display` and `FromStr` of an enum whose variants have names. Letters may be of either case.
macro_rules! named {
    ($type:ident, $kind:literal: $($variant:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// Every one there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name, which is read back.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::CheckpointError;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|known| known.name().eq_ignore_ascii_case(name));
                known.copied().ok_or_else(|| $crate::named::unknown($kind, name, &[$($name),+]))
            }
        }
    };
}

pub(crate) use named;

/// The error for a name that nothing has.
pub(crate) fn unknown(kind: &'static str, name: &str, choices: &[&str]) -> CheckpointError {
    CheckpointError::UnknownName { kind, name: name.into(), choices: choices.join(", ") }
}
