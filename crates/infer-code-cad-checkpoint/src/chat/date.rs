use std::fmt;
use std::str::FromStr;

use crate::CheckpointError;
use crate::named::unknown;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The day a chat template believes it is.
///
/// It is a setting and never read from the clock, so that a prompt is the same tomorrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Default for Date {
    /// 26 July 2024, the day that Llama 3's own template falls back to.
    fn default() -> Self {
        Self { year: 2024, month: 7, day: 26 }
    }
}

impl Date {
    /// A day of the Gregorian calendar; months and days count from 1.
    ///
    /// # Errors
    /// [`CheckpointError::InvalidDate`] when the calendar has no such day, or the year has not four
    /// digits.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, CheckpointError> {
        let exists = (1000..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        if exists {
            Ok(Self { year, month, day })
        } else {
            Err(CheckpointError::InvalidDate { year, month, day })
        }
    }

    /// Formats as Python's `strftime` does in the C locale. Directives: `%a %A %b %B %d %-d %e %F
    /// %j %m %-m %y %Y %%`; any other is given back as the error.
    pub(super) fn strftime(self, format: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let mut directive: String = rest.next().into_iter().collect();
            if directive == "-" {
                directive.extend(rest.next());
            }
            out += &self.directive(&directive).ok_or_else(|| format!("%{directive}"))?;
        }
        Ok(out)
    }

    fn directive(self, directive: &str) -> Option<String> {
        let Self { year, month, day } = self;
        let month_name = MONTHS[usize::from(month) - 1];
        let weekday = WEEKDAYS[self.weekday()];
        Some(match directive {
            "a" => weekday[..3].to_owned(),
            "A" => weekday.to_owned(),
            "b" => month_name[..3].to_owned(),
            "B" => month_name.to_owned(),
            "d" => format!("{day:02}"),
            "-d" => day.to_string(),
            "e" => format!("{day:2}"),
            "F" => self.to_string(),
            "j" => format!("{:03}", self.day_of_year()),
            "m" => format!("{month:02}"),
            "-m" => month.to_string(),
            "y" => format!("{:02}", year % 100),
            "Y" => year.to_string(),
            "%" => "%".to_owned(),
            _ => return None,
        })
    }

    fn day_of_year(self) -> usize {
        let before = (1..self.month).map(|month| usize::from(days_in_month(self.year, month)));
        before.sum::<usize>() + usize::from(self.day)
    }

    /// Days since a Sunday, modulo 7.
    fn weekday(self) -> usize {
        let past = usize::from(self.year) - 1;
        (365 * past + past / 4 - past / 100 + past / 400 + self.day_of_year()) % 7
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = CheckpointError;

    /// Reads `2024-07-26`.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut parts = text.split('-');
        let mut part = |len| {
            let digits = parts.next().filter(|part| part.len() == len)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok())?
        };
        let (year, month, day) = (part(4), part(2), part(2));
        match (year, month, day, parts.next()) {
            (Some(year), Some(month), Some(day), None) => Self::new(year, month as u8, day as u8),
            _ => Err(unknown("date", text, &["YYYY-MM-DD"])),
        }
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Expected values: Python's `datetime.date.strftime`.
    #[test]
    fn formats_as_python_does() {
        let all = "%a %A %b %B %d %-d %e %F %j %m %-m %y %Y %%";
        for (date, expected) in [
            ((2024, 7, 26), "Fri Friday Jul July 26 26 26 2024-07-26 208 07 7 24 2024 %"),
            ((2000, 2, 29), "Tue Tuesday Feb February 29 29 29 2000-02-29 060 02 2 00 2000 %"),
            ((1999, 12, 5), "Sun Sunday Dec December 05 5  5 1999-12-05 339 12 12 99 1999 %"),
        ] {
            let date = Date::new(date.0, date.1, date.2).unwrap();
            assert_eq!(date.strftime(all).unwrap(), expected);
        }
    }

    #[test]
    fn days_are_read_back_and_nothing_else_is() {
        for date in [Date::default(), Date::new(2000, 2, 29).unwrap()] {
            assert_eq!(date.to_string().parse::<Date>().unwrap(), date);
        }
        for text in ["", "2024-7-26", "2024-07", "2024-07-26-1", "2024-07-+6", "24-07-26", "now"] {
            let message = text.parse::<Date>().unwrap_err().to_string();
            assert!(message.contains("choose YYYY-MM-DD"), "{message}");
        }
        let message = "2023-02-29".parse::<Date>().unwrap_err().to_string();
        assert!(message.contains("2023-02-29 is no day"), "{message}");
    }

    #[test]
    fn unknown_directives_and_days_are_refused() {
        let date = Date::default();
        assert_eq!(date.strftime("%H:%M"), Err("%H".to_owned()));
        assert_eq!(date.strftime("at 100%"), Err("%".to_owned()));
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 13, 1), (2024, 0, 1)] {
            assert!(Date::new(year, month, day).is_err(), "{year}-{month}-{day}");
        }
        assert!(Date::new(2024, 6, 31).is_err() && Date::new(24, 6, 1).is_err());
    }
}
