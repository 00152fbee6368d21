//! Every choice as text, and read back.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use infer_code_cad_kernels::{Encoding, Format, Isa, KernelError, KvFormat, StoredFormat};

#[track_caller]
fn round_trips<T>(values: &[T])
where
    T: Display + Debug + PartialEq + FromStr<Err = KernelError>,
{
    let message = "no such".parse::<T>().unwrap_err().to_string();
    assert!(message.contains("\"no such\""), "{message}");
    for value in values {
        let name = value.to_string();
        assert_eq!(name.parse::<T>().unwrap(), *value);
        assert_eq!(name.to_lowercase().parse::<T>().unwrap(), *value);
        assert_eq!(name.to_uppercase().parse::<T>().unwrap(), *value);
        assert!(message.contains(&name.to_lowercase()), "{message} lacks {name}");
    }
}

#[test]
fn every_choice_is_read_back_and_listed_where_another_is_asked_for() {
    round_trips(&Format::ALL);
    round_trips(&KvFormat::ALL);
    round_trips(&Isa::ALL);
    round_trips(&Encoding::ALL);
    round_trips(&Format::ALL.map(StoredFormat::from));
}

#[test]
fn names_fill_the_width_asked_for() {
    let Isa::Scalar = "scalar".parse().unwrap() else { panic!("another instruction set") };
    assert_eq!(
        format!("{:>8}|{:<6}|{:<6}|", Isa::Scalar, KvFormat::F16, Encoding::Int8),
        "  scalar|f16   |int8  |"
    );
}
