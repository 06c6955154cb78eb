//! A table of rows into the cache, and from there into git.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use lorebase::ImportRow;

use crate::stage::Stage;

pub(crate) fn bulk(criterion: &mut Criterion) {
    let size = 1_000;
    let rows: Vec<ImportRow> = (Stage::new(0).generator.entities(size))
        .map(|entity| ImportRow { slug: Some(entity.slug), id: Some(entity.id), fields: entity.fields, body: entity.body })
        .collect();
    let mut group = criterion.benchmark_group("bulk");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).throughput(Throughput::Elements(size as u64));
    group.bench_function(format!("import of {size} rows"), |bench| {
        let stage = Stage::new(0);
        bench.iter_custom(|turns| {
            let mut spent = Duration::ZERO;
            for _ in 0..turns {
                let kb = stage.fresh();
                let start = Instant::now();
                let report = stage.runtime.block_on(kb.import("document", &rows, None, None)).expect("it imports");
                spent += start.elapsed();
                assert_eq!(report.created, size as u64, "every row is new");
            }
            spent
        });
    });
    for (name, one_commit) in [("one commit", true), ("one commit each", false)] {
        group.bench_function(format!("export of {size} rows, {name}"), |bench| {
            bench.iter_custom(|turns| {
                let mut spent = Duration::ZERO;
                for _ in 0..turns {
                    let stage = Stage::new(0);
                    let kb = stage.fresh();
                    stage.runtime.block_on(kb.import("document", &rows, None, None)).expect("it imports");
                    let start = Instant::now();
                    let report = stage.runtime.block_on(kb.export(one_commit, None)).expect("it exports");
                    spent += start.elapsed();
                    assert_eq!(report.published, size as u64, "every row is committed");
                }
                spent
            });
        });
    }
    group.finish();
}
