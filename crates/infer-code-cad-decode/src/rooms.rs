use std::any::Any;
use std::fmt;

/// Scratch values that go from one use to the next, so that a token allocates nothing.
///
/// An engine keeps one per thread that decodes. Rows of a large vocabulary in every sequence would take
/// megabytes each; a thread-local would outlive the engine.
#[derive(Default)]
pub struct Rooms(Vec<Box<dyn Any + Send>>);

impl Rooms {
    /// A value of this type as it was given back, or a new one.
    pub fn take<R: Any + Default + Send>(&mut self) -> Box<R> {
        let known = self.0.iter().rposition(|room| room.is::<R>());
        let room = known.map(|index| self.0.swap_remove(index).downcast());
        room.and_then(Result::ok).unwrap_or_default()
    }

    /// Keeps a value for the next [`Rooms::take`] of its type. What it holds is kept as well.
    pub fn give<R: Any + Send>(&mut self, room: Box<R>) {
        self.0.push(room);
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rooms").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_comes_back_as_it_was_given() {
        let mut rooms = Rooms::default();
        let mut row = rooms.take::<Vec<f32>>();
        row.push(1.0);
        rooms.give(row);
        rooms.give(Box::new(7u8));
        assert_eq!(*rooms.take::<Vec<f32>>(), [1.0]);
        assert!(rooms.take::<Vec<f32>>().is_empty(), "it was taken");
        assert_eq!(*rooms.take::<u8>(), 7);
    }
}
