/// What a label must not cover, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

impl Rectangle {
    pub(super) fn around((x, y): (i32, i32), half_width: i32, half_height: i32) -> Self {
        Self {
            left: x - half_width,
            right: x + half_width,
            top: y - half_height,
            bottom: y + half_height,
        }
    }

    /// The pixels that both cover.
    fn shared(&self, other: &Self) -> i64 {
        let wide = self.right.min(other.right) - self.left.max(other.left);
        let high = self.bottom.min(other.bottom) - self.top.max(other.top);
        if wide > 0 && high > 0 { i64::from(wide) * i64::from(high) } else { 0 }
    }

    fn size(&self) -> i64 {
        i64::from(self.right - self.left) * i64::from(self.bottom - self.top)
    }
}

/// Directions from a point, the best first, and how far to go in them.
const DIRECTIONS: [(i32, i32); 8] =
    [(1, -1), (-1, -1), (1, 1), (-1, 1), (1, 0), (-1, 0), (0, -1), (0, 1)];
const FURTHER: [i32; 4] = [0, 14, 30, 50];

/// The centre of a label of half the size `half` beside `point`: the nearest place where it covers least of what
/// is `taken`, itself taken from then on.
pub(super) fn place(
    point: (i32, i32),
    half: (i32, i32),
    dot: i32,
    room: &Rectangle,
    taken: &mut Vec<Rectangle>,
) -> (i32, i32) {
    let places = FURTHER.iter().flat_map(|further| {
        DIRECTIONS.iter().map(move |(dx, dy)| {
            let x = dx * (if *dy == 0 { dot + half.0 } else { dot + half.0 - 4 } + further);
            let y = dy * (if *dx == 0 { dot + half.1 } else { dot + half.1 - 6 } + further);
            (point.0 + x, point.1 + y)
        })
    });
    let label = |centre| Rectangle::around(centre, half.0, half.1);
    let cost = |centre: &(i32, i32)| {
        let label = label(*centre);
        let outside = label.size() - label.shared(room);
        taken.iter().map(|other| label.shared(other)).sum::<i64>() + outside
    };
    let best = places.min_by_key(cost).unwrap_or(point);
    taken.push(label(best));
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Rectangle = Rectangle { left: 0, right: 200, top: 0, bottom: 200 };

    #[test]
    fn labels_of_points_that_are_close_do_not_touch() {
        let points = [(100, 100), (104, 100), (100, 104), (96, 98)];
        let mut taken: Vec<_> =
            points.iter().map(|&point| Rectangle::around(point, 10, 10)).collect();
        points.iter().for_each(|&point| {
            place(point, (10, 10), 10, &ROOM, &mut taken);
        });
        for (index, label) in taken[points.len()..].iter().enumerate() {
            let others = taken.iter().enumerate().filter(|(i, _)| *i != index + points.len());
            assert!(others.into_iter().all(|(_, other)| label.shared(other) == 0), "{label:?}");
        }
    }

    #[test]
    fn labels_stay_in_the_room() {
        let (x, y) = place((195, 4), (10, 10), 10, &ROOM, &mut vec![]);
        assert!(x < 195 && y > 4, "{x} {y}");
    }
}
