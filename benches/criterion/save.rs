//! One save, from the call until it is in the database and in git, both on the disk.

use std::time::Duration;

use criterion::Criterion;
use lorebase::sync::{Save, SyncOptions};

use crate::stage::Stage;

pub(crate) fn save(criterion: &mut Criterion) {
    let size = 1_000;
    let stage = Stage::new(size);
    let kb = stage.fresh();
    stage.runtime.block_on(kb.sync(SyncOptions::default())).expect("it synchronises");
    let slugs: Vec<String> = stage.generator.entities(size).map(|entity| entity.slug).collect();
    let mut group = criterion.benchmark_group("save");
    group.sample_size(20).warm_up_time(Duration::from_secs(1));
    let mut number = 0;
    group.bench_function(format!("one field, {size} entities"), |bench| {
        bench.iter(|| {
            number += 1;
            let save = Save::update("document", &slugs[number % size]).set("filename", format!("changed-{number}.pdf"));
            let saved = stage.runtime.block_on(kb.save(save)).expect("it saves");
            assert!(saved.git_commit_sha.is_some(), "the save is in git");
        });
    });
    group.finish();
}
