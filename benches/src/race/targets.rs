//! What the library promises to reach, and whether one run reached it. A target whose figures were not taken says so.

use super::figures::shown;
use super::results::{Race, Results};
use super::side::Side;

/// The sizes that targets are about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) small: usize,
    pub(crate) main: usize,
    pub(crate) large: usize,
    pub(crate) each: usize,
}

/// One promise.
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) wanted: &'static str,
    /// What was measured, and whether that is enough.
    pub(crate) measured: Option<(String, bool)>,
}

pub(crate) fn all(results: &Results, sizes: Sizes) -> Vec<Target> {
    let Sizes { small, main, large, each } = sizes;
    let faster = |what: String, wanted, least: f64, race, size, slow, fast| Target {
        what,
        wanted,
        measured: results.ratio(race, size, slow, fast).map(|ratio| (format!("{ratio:.1}x"), ratio >= least)),
    };
    let at_most = |what: String, wanted, most: f64, race, size| Target {
        what,
        wanted,
        measured: results.median(race, size, Side::Ours).map(|median| (shown(median), median <= most)),
    };
    let (ours, checkout, bare) = (Side::Ours, Side::OursCheckout, Side::OursWithoutIndex);
    let mut targets = codec(results);
    targets.extend([
        faster(
            format!("first synchronisation of {main}, against batched TypeScript, no index on either side"),
            "at least 3x",
            3.0,
            Race::Initial,
            main,
            Side::Batched,
            bare,
        ),
        faster("the same, against row-by-row TypeScript".to_owned(), "at least 7x", 7.0, Race::Initial, main, Side::Rows, bare),
        at_most(format!("nothing to do, {small} entities"), "at most 5 ms", 0.005, Race::Noop, small),
        at_most(format!("nothing to do, {large} entities"), "at most 5 ms", 0.005, Race::Noop, large),
        Target {
            what: format!("nothing to do, {large} against {small} entities"),
            wanted: "equal (at most 1.5x)",
            measured: (results.median(Race::Noop, large, ours).zip(results.median(Race::Noop, small, ours)))
                .map(|(large, small)| (format!("{:.2}x", large / small), large / small <= 1.5)),
        },
        at_most(format!("1% of {main} changed in one commit"), "at most 60 ms", 0.060, Race::Small, main),
        faster(
            format!("one durable save among {main}, both with a work tree"),
            "at least 10x",
            10.0,
            Race::Save,
            main,
            Side::Batched,
            checkout,
        ),
        faster("the same, the library on a bare repository".to_owned(), "at least 10x", 10.0, Race::Save, main, Side::Batched, ours),
        Target {
            what: format!("one durable save among {main}, against gix and SQLite alone, without a journal"),
            wanted: "at most 1.5x",
            measured: results.ratio(Race::Cost, main, ours, Side::Plain).map(|ratio| (format!("{ratio:.2}x"), ratio <= 1.5)),
        },
        faster(
            format!("export of {main} in one commit, both with a work tree"),
            "at least 5x",
            5.0,
            Race::ExportOne,
            main,
            Side::Batched,
            checkout,
        ),
        faster(
            "the same, against git's `core.fsyncMethod=batch`".to_owned(),
            "at least 5x",
            5.0,
            Race::ExportOne,
            main,
            Side::BatchedFlush,
            checkout,
        ),
        faster(
            "export of the same, the library on a bare repository, against plain simple-git".to_owned(),
            "at least 5x",
            5.0,
            Race::ExportOne,
            main,
            Side::Batched,
            ours,
        ),
        faster(
            format!("export of {each}, one commit each, both with a work tree"),
            "at least 50x",
            50.0,
            Race::ExportEach,
            each,
            Side::Batched,
            checkout,
        ),
        faster("the same, the library on a bare repository".to_owned(), "at least 50x", 50.0, Race::ExportEach, each, Side::Batched, ours),
        Target {
            what: format!("anonymous memory of the first synchronisation of {large}"),
            wanted: "at most 150 MB",
            measured: results.figures(Race::Initial, large, ours).map(|figures| (megabytes(figures.memory), figures.memory <= 150_000_000)),
        },
        Target {
            what: format!("first synchronisation, time per entity, {large} against {main}"),
            wanted: "at most 1.3x",
            measured: per_entity(results, large, main).map(|ratio| (format!("{ratio:.2}x"), ratio <= 1.3)),
        },
    ]);
    targets
}

/// Reading and editing frontmatter, in processor time.
fn codec(results: &Results) -> Vec<Target> {
    let read = |race, what: &str| Target {
        what: what.to_owned(),
        wanted: "at least 7x",
        measured: results
            .any(race, Side::GrayMatter)
            .zip(results.any(race, Side::Ours))
            .map(|(slow, fast)| (format!("{:.1}x", slow / fast), slow / fast >= 7.0)),
    };
    let edited = |race, what: &str| Target {
        what: what.to_owned(),
        wanted: "at most 40 us",
        measured: results.any(race, Side::OursEdit).map(|median| (shown(median), median <= 0.000_040)),
    };
    vec![
        read(Race::Decode, "frontmatter of generated files, against gray-matter, processor time"),
        read(Race::DecodeCorpus, "the same with files of other people"),
        edited(Race::Decode, "one field of a generated file set and verified, processor time"),
        edited(Race::DecodeCorpus, "the same with files of other people"),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "numbers of entities are small")]
fn per_entity(results: &Results, large: usize, main: usize) -> Option<f64> {
    let (slow, fast) = (results.median(Race::Initial, large, Side::Ours)?, results.median(Race::Initial, main, Side::Ours)?);
    Some(slow / large as f64 / (fast / main as f64))
}

/// Bytes as people read them.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
