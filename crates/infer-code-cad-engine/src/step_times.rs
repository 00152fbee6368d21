use std::time::Duration;

/// How long a pass of so many rows takes with this model on this machine, as far as passes were seen.
///
/// A row is a position of a stream. What was not seen lies between its neighbours that were, or follows
/// from the nearest by a rule of thumb: each further row costs 7 % of one.
#[derive(Debug, Clone)]
pub struct StepTimes {
    seconds: [f64; Self::MOST + 1], // by rows; 0 where none was seen
}

impl StepTimes {
    /// Passes of more rows are not told apart.
    pub const MOST: usize = 64;

    /// The time of a pass of `to` rows in times of one of `from` rows.
    pub fn ratio(&self, from: usize, to: usize) -> f64 {
        self.estimate(to) / self.estimate(from)
    }

    /// Takes in a pass. One that took far longer than those before says more of the machine than of the rows.
    pub(crate) fn see(&mut self, rows: usize, time: Duration) {
        let (Some(known), seconds) = (self.seconds.get_mut(rows), time.as_secs_f64()) else {
            return;
        };
        if *known == 0.0 {
            *known = seconds;
        }
        *known += 0.1 * (seconds.min(2.0 * *known) - *known);
    }

    fn estimate(&self, rows: usize) -> f64 {
        let rows = rows.clamp(1, Self::MOST);
        let seen = |rows: &usize| self.seconds[*rows] > 0.0;
        let below = (1..=rows).rev().find(seen);
        let above = (rows..=Self::MOST).find(seen);
        match (below, above) {
            (Some(below), Some(above)) if below < above => {
                let share = (rows - below) as f64 / (above - below) as f64;
                self.seconds[below] + share * (self.seconds[above] - self.seconds[below])
            }
            (Some(near), _) | (None, Some(near)) => self.seconds[near] * guess(rows) / guess(near),
            (None, None) => guess(rows),
        }
    }
}

impl Default for StepTimes {
    /// Nothing was seen.
    fn default() -> Self {
        Self { seconds: [0.0; Self::MOST + 1] }
    }
}

/// What rows cost where nothing is known, in times of one.
fn guess(rows: usize) -> f64 {
    1.0 + 0.07 * (rows as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn what_was_not_seen_follows_from_what_was() {
        let mut times = StepTimes::default();
        assert!(about(times.ratio(1, 11), 1.7));
        times.see(1, Duration::from_millis(10));
        assert!(about(times.ratio(1, 11), 1.7), "one width tells of no other");
        times.see(5, Duration::from_millis(18));
        assert!(about(times.ratio(1, 3), 1.4), "between those that were seen");
        assert!(about(times.ratio(5, 11), 1.7 / 1.28), "beyond the last");
        times.see(1_000, Duration::from_millis(1));
        assert!(times.ratio(1, 1_000) > 1.0);
    }

    #[test]
    fn a_pass_that_was_held_up_says_little() {
        let mut times = StepTimes::default();
        for rows in [1, 2] {
            times.see(rows, Duration::from_millis(10));
        }
        times.see(2, Duration::from_secs(100));
        assert!(times.ratio(1, 2) < 1.11);
    }
}
