//! Synchronising from git: everything, nothing, one file in a hundred.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use lorebase::sync::SyncOptions;
use lorebase_benches::repository;

use crate::stage::Stage;

pub(crate) fn sync(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sync");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    for size in [1_000, 10_000] {
        let stage = Stage::new(size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(format!("first, {size} entities"), |bench| {
            bench.iter_custom(|turns| {
                let mut spent = Duration::ZERO;
                for _ in 0..turns {
                    let kb = stage.fresh();
                    let start = Instant::now();
                    let report = stage.runtime.block_on(kb.sync(SyncOptions::default())).expect("it synchronises");
                    spent += start.elapsed();
                    assert_eq!(report.created, size as u64, "every file becomes a row");
                }
                spent
            });
        });

        let kb = stage.fresh();
        stage.runtime.block_on(kb.sync(SyncOptions::default())).expect("it synchronises");
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("nothing to do, {size} entities"), |bench| {
            bench.iter(|| stage.runtime.block_on(kb.sync(SyncOptions::default())).expect("it synchronises"));
        });

        let mut round = 0;
        group.throughput(Throughput::Elements(size as u64 / 100));
        group.bench_function(format!("1% changed, {size} entities"), |bench| {
            bench.iter_custom(|turns| {
                let mut spent = Duration::ZERO;
                for _ in 0..turns {
                    round += 1;
                    let changed = (0..size).step_by(100).map(|number| stage.generator.entity(number, round));
                    repository::commit(&stage.repository(), round, changed).expect("git commits");
                    let start = Instant::now();
                    let report = stage.runtime.block_on(kb.sync(SyncOptions::default())).expect("it synchronises");
                    spent += start.elapsed();
                    assert_eq!(report.updated, size as u64 / 100, "every changed file becomes a row");
                }
                spent
            });
        });
    }
    group.finish();
}
