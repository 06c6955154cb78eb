//! One file: read, and one field of it edited with every other byte kept.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use lorebase::codec::{FieldEdit, decode_file, edit_head};
use lorebase::knowledge::{Config, Format, KnowledgePath};
use lorebase_benches::entities::{Entity, Generator, Mix};

pub(crate) fn codec(criterion: &mut Criterion) {
    let config = Config::built_in();
    let mut group = criterion.benchmark_group("codec");
    group.measurement_time(Duration::from_secs(3));
    let files: Vec<Entity> = Generator::new(1, Mix::All).entities(5).collect();
    for (number, name) in [(0, "skill"), (2, "customer"), (3, "document")] {
        let entity = &files[number];
        let path = KnowledgePath::new(&entity.path).expect("generated paths are safe");
        let kind = config.classify(&path).expect("generated paths have a kind");
        let text = entity.text();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("decode a {name}"), |bench| {
            bench.iter(|| decode_file(kind, &config.root, &path, black_box(text.as_bytes())));
        });
        group.throughput(Throughput::Bytes(entity.head.len() as u64));
        let edits = [FieldEdit::Set("tags".to_owned(), serde_json::json!(["one", "two"]))];
        group.bench_function(format!("edit a {name}"), |bench| {
            bench.iter_batched(|| entity.head.clone(), |head| edit_head(Format::Markdown, &head, &edits), BatchSize::SmallInput);
        });
    }
    group.finish();
}
