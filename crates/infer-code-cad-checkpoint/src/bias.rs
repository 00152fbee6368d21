/// Whether projections have a bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bias {
    /// It has none.
    Absent,
    /// It has one.
    Present,
}

impl Bias {
    /// Present when told so.
    pub fn when(present: bool) -> Self {
        if present { Self::Present } else { Self::Absent }
    }
}
