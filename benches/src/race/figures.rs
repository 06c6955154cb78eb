//! The times of one side at one job, and what is said about them.

/// All times of one side, in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    seconds: Vec<f64>,
    /// The highest anonymous memory of any of the processes, in bytes.
    pub(crate) memory: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, seconds: &[f64], memory: u64) {
        self.seconds.extend_from_slice(seconds);
        self.seconds.sort_by(f64::total_cmp);
        self.memory = self.memory.max(memory);
    }

    pub(crate) fn count(&self) -> usize {
        self.seconds.len()
    }

    pub(crate) fn min(&self) -> f64 {
        self.seconds.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn max(&self) -> f64 {
        self.seconds.last().copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle, or the mean of the two.
    pub(crate) fn median(&self) -> f64 {
        let middle = self.seconds.len() / 2;
        match (self.seconds.len().is_multiple_of(2), middle.checked_sub(1).and_then(|at| self.seconds.get(at)), self.seconds.get(middle)) {
            (true, Some(low), Some(high)) => f64::midpoint(*low, *high),
            (_, _, Some(one)) => *one,
            _ => f64::NAN,
        }
    }
}

/// A time as people read it.
pub(crate) fn shown(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 10.0 => format!("{seconds:.1} s"),
        _ if seconds >= 1.0 => format!("{seconds:.2} s"),
        _ if seconds >= 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.3} ms", seconds * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two() {
        let mut figures = Figures::default();
        figures.add(&[3.0], 7);
        figures.add(&[1.0, 2.0], 5);
        assert_eq!((figures.median().to_string(), figures.memory, figures.count()), ("2".to_owned(), 7, 3));
        figures.add(&[10.0], 0);
        assert_eq!(
            (figures.median().to_string(), figures.min().to_string(), figures.max().to_string()),
            ("2.5".to_owned(), "1".to_owned(), "10".to_owned())
        );
        assert!(Figures::default().median().is_nan());
    }

    #[test]
    fn times_are_shown_in_their_own_unit() {
        assert_eq!([12.345, 1.234_56, 0.123_45, 0.001_234_5].map(shown), ["12.3 s", "1.23 s", "123.4 ms", "1.234 ms"]);
    }
}
