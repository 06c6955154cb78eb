//! The times of one side at one job, and what is said about them.

use super::side::Usage;

/// All times of one side, in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    seconds: Vec<f64>,
    /// Processor time of each process, in seconds.
    processor: Vec<f64>,
    /// The highest anonymous memory of any of the processes, in bytes.
    pub(crate) memory: u64,
}

impl Figures {
    /// The times of one process, and what it used if that is known.
    pub(crate) fn add(&mut self, seconds: &[f64], usage: Option<Usage>) {
        self.seconds.extend_from_slice(seconds);
        self.seconds.sort_by(f64::total_cmp);
        if let Some(usage) = usage {
            self.memory = self.memory.max(usage.memory);
            self.processor.push(usage.processor);
            self.processor.sort_by(f64::total_cmp);
        }
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

    pub(crate) fn median(&self) -> f64 {
        middle(&self.seconds)
    }

    /// The median of the processor times; not a number where none was taken.
    pub(crate) fn processor(&self) -> f64 {
        middle(&self.processor)
    }
}

/// The one in the middle of a sorted list, or the mean of the two.
fn middle(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.len().is_multiple_of(2), middle.checked_sub(1).and_then(|at| sorted.get(at)), sorted.get(middle)) {
        (true, Some(low), Some(high)) => f64::midpoint(*low, *high),
        (_, _, Some(one)) => *one,
        _ => f64::NAN,
    }
}

/// A time as people read it.
pub(crate) fn shown(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 10.0 => format!("{seconds:.1} s"),
        _ if seconds >= 1.0 => format!("{seconds:.2} s"),
        _ if seconds >= 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 0.000_2 => format!("{:.2} us", seconds * 1e6),
        _ => format!("{:.3} ms", seconds * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two() {
        let mut figures = Figures::default();
        figures.add(&[3.0], Some(Usage { memory: 7, processor: 0.5 }));
        figures.add(&[1.0, 2.0], Some(Usage { memory: 5, processor: 1.5 }));
        assert!(same(figures.median(), 2.0) && same(figures.processor(), 1.0) && figures.memory == 7 && figures.count() == 3);
        figures.add(&[10.0], None);
        assert!(same(figures.median(), 2.5) && same(figures.min(), 1.0) && same(figures.max(), 10.0) && same(figures.processor(), 1.0));
        assert!(Figures::default().median().is_nan());
    }

    fn same(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn times_are_shown_in_their_own_unit() {
        assert_eq!(
            [12.34, 1.234, 0.123_41, 0.001_234_1, 0.000_012_34].map(shown),
            ["12.3 s", "1.23 s", "123.4 ms", "1.234 ms", "12.34 us"]
        );
    }
}
