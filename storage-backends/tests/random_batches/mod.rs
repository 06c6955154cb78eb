//! Random batches and questions to a cache and to the reference in memory: both answer the same.

use jiff::{SignedDuration, Timestamp};
use lorebase::knowledge::{Author, Content, EntityKey, KindName, KnowledgePath, Location, Slug, Status};
use lorebase::memory::MemoryCache;
use lorebase::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, Change, ChangeAction, ChangeState, Claiming, CommitId, ConflictNote, ConflictReason, Filter,
    FilterOp, Guard, KeptRevision, Live, Query, RecordWrite, RepositoryId, RepositoryKey, Slot, SortKey, Target, UniqueRules, UniqueValue,
    View,
};
use serde_json::{Value, json};

/// A small generator (xorshift64*), so that every run of a seed is the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % bound
    }

    fn often(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

fn at(seconds: usize) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_000).unwrap() + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
}

fn key(chance: &mut Chance) -> EntityKey {
    EntityKey::new(chance.pick(&["skill", "skill", "prompt"]), chance.pick(&["a", "b", "c", "d", "e", "f", "g", "h"]))
}

fn value(chance: &mut Chance) -> Value {
    chance.pick(&[
        json!(null),
        json!(1),
        json!(1.0),
        json!(2.5),
        json!(-3),
        json!(9_007_199_254_740_993_i64),
        json!("red"),
        json!("Rot Grün"),
        json!(""),
        json!(true),
        json!(false),
        json!(["red", 1]),
        json!([{"n": 1.0, "s": "red"}]),
        json!({"x": 1, "y": [2, {"z": null}]}),
        json!({"y": [2.0, {"z": null}], "x": 1}),
        json!([]),
    ])
}

const PATHS: [&str; 10] =
    ["s/a.md", "s/A.md", "s/b.md", "s/c.md", "s/d.md", "s/e.md", "s/f.md", "s/g.md", "s/gr\u{fc}n.md", "s/gru\u{308}n.md"];
const WORDS: [&str; 8] = ["red", "Grün", "green", "grünes", "dog", "Hund", "two words", "x1"];

fn content(chance: &mut Chance) -> Content {
    let Value::Object(mut fields) = json!({"f": value(chance), "tags": {"t": value(chance)}}) else { unreachable!("it is a mapping") };
    if chance.often(30) {
        fields.remove("f");
    }
    let path = KnowledgePath::new(chance.pick(&PATHS)).unwrap();
    let entry = chance.often(20).then(|| chance.pick(&["x", "y", ""]).to_owned());
    Content {
        slug: Slug::new(chance.pick(&["a", "b", "B", "ä"])),
        location: Location { path, entry },
        title: chance.pick(&WORDS).to_owned(),
        status: chance.pick(&[None, Some(Status::Published), Some(Status::InReview)]),
        fields,
        head: "---\n---\n".to_owned(),
        body: format!("{} {}", chance.pick(&WORDS), chance.pick(&WORDS)),
    }
}

fn slot<T>(chance: &mut Chance, make: impl FnOnce(&mut Chance) -> T) -> Slot<T> {
    match chance.below(10) {
        0..=4 => Slot::Set(make(chance)),
        5 | 6 => Slot::Clear,
        _ => Slot::Keep,
    }
}

fn change(chance: &mut Chance) -> Change {
    Change {
        action: chance.pick(&[ChangeAction::Write, ChangeAction::Write, ChangeAction::Delete, ChangeAction::Archive]),
        state: chance.pick(&[ChangeState::Pending, ChangeState::Draft, ChangeState::Conflict]),
        content: content(chance),
        placed: chance.often(70),
        revision: 2,
        base: None,
        author: Author::new("Ada", "ada@example.com"),
        co_authors: Vec::new(),
        message: None,
        operations: Vec::new(),
        created_at: at(1),
        updated_at: at(chance.below(20)),
        attempts: 0,
        due_at: at(chance.below(20)),
        last_error: None,
        dead: chance.often(10),
    }
}

async fn write(chance: &mut Chance, model: &MemoryCache, id: RepositoryId) -> RecordWrite {
    let asked = key(chance);
    let known = model.records(id, std::slice::from_ref(&asked)).await.unwrap().pop().unwrap();
    let mut write = match known {
        Some(record) if chance.often(90) => {
            let mut write = RecordWrite::onto(&record);
            if chance.often(10) {
                write.target = Target::Existing { uid: record.uid, stamp: record.stamp + 1 };
            }
            if chance.often(20) {
                write.key = key(chance);
            }
            write
        }
        _ => RecordWrite::new(Target::New, asked, 1),
    };
    write.revision = chance.below(9) as u64;
    write.live = slot(chance, |chance| Live {
        content: content(chance),
        revision: 1,
        blob: BlobId::new("b"),
        commit: CommitId::new("c"),
        explicit_id: true,
        synced_at: at(chance.below(20)),
    });
    write.change = slot(chance, change);
    write.conflict = slot(chance, |chance| ConflictNote {
        reason: ConflictReason::BothChanged,
        fields: Vec::new(),
        body: chance.often(50),
        commit: CommitId::new("c"),
        author: None,
        since: at(1),
    });
    write.private = slot(chance, |chance| [("p".to_owned(), value(chance))].into_iter().collect());
    write.keep = vec![KeptRevision {
        revision: 1,
        content: content(chance),
        private: lorebase::knowledge::Fields::new(),
        created_at: at(chance.below(20)),
    }];
    write
}

fn query(chance: &mut Chance) -> Query {
    let field = |chance: &mut Chance| chance.pick(&["f", "tags.t", "p", "tags", "title", "status", "id", "none.such"]).to_owned();
    let ops = [FilterOp::Eq, FilterOp::Ne, FilterOp::Lt, FilterOp::Le, FilterOp::Gt, FilterOp::Ge, FilterOp::Contains, FilterOp::In];
    let filters = (0..chance.below(3)).map(|_| {
        let op = chance.pick(&ops);
        let value = if op == FilterOp::In { json!([value(chance), value(chance)]) } else { value(chance) };
        Filter { field: field(chance), op, value }
    });
    let filters = filters.collect();
    let by_field = SortKey::Field(field(chance));
    Query {
        kind: chance.often(40).then(|| KindName::new("skill")),
        status: chance.often(10).then_some(Status::Published),
        filters,
        sort: chance.pick(&[SortKey::Slug, SortKey::Title, SortKey::Updated, by_field]),
        descending: chance.often(50),
        view: chance.pick(&[View::Published, View::Working]),
        limit: 1 + chance.below(5),
        cursor: None,
    }
}

async fn ask(chance: &mut Chance, model: &MemoryCache, store: &dyn CacheStore, id: RepositoryId) {
    let mut query = query(chance);
    loop {
        let (expected, page) = (model.list(id, &query).await.unwrap(), store.list(id, &query).await.unwrap());
        assert_eq!(page, expected, "{query:?}");
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    let text = format!("{} {}", chance.pick(&WORDS), chance.pick(&["", "g", "hu", "re"]));
    let (kind, view) = (query.kind.as_ref(), query.view);
    let expected = model.search(id, &text, kind, view, 50).await.unwrap();
    assert_eq!(store.search(id, &text, kind, view, 50).await.unwrap(), expected, "search {text}");
    let skill = KindName::new("skill");
    let (field, wanted) = (chance.pick(&["f", "p", "tags"]), value(chance));
    let expected = model.records_by_field(id, &skill, field, &wanted).await.unwrap();
    assert_eq!(store.records_by_field(id, &skill, field, &wanted).await.unwrap(), expected, "{field} {wanted}");
}

async fn compare(model: &MemoryCache, store: &dyn CacheStore, id: RepositoryId) {
    let uids: Vec<i64> = (1..200).collect();
    assert_eq!(store.records_by_uid(id, &uids).await.unwrap(), model.records_by_uid(id, &uids).await.unwrap());
    assert_eq!(store.counts(id, at(0)).await.unwrap(), model.counts(id, at(0)).await.unwrap());
    assert_eq!(store.manifest(id, None, 100).await.unwrap(), model.manifest(id, None, 100).await.unwrap());
    assert_eq!(store.pending(id, Some(at(10)), 3).await.unwrap(), model.pending(id, Some(at(10)), 3).await.unwrap());
    assert_eq!(store.conflicts(id).await.unwrap(), model.conflicts(id).await.unwrap());
    let places: Vec<_> = PATHS.iter().map(|path| Location::file(KnowledgePath::new(*path).unwrap()).key()).collect();
    assert_eq!(store.records_at(id, &places).await.unwrap(), model.records_at(id, &places).await.unwrap());
    let values: Vec<UniqueValue> = ["f", "p"]
        .into_iter()
        .flat_map(|field| ["1", "2.5", "-3", "9007199254740993", "red", "Rot Gr\u{fc}n"].map(|value| (field, value)))
        .map(|(field, value)| UniqueValue { kind: KindName::new("skill"), field: field.to_owned(), value: value.to_owned() })
        .collect();
    assert_eq!(store.holders(id, &values).await.unwrap(), model.holders(id, &values).await.unwrap());
    let slug = Slug::new("a");
    let skill = KindName::new("skill");
    assert_eq!(store.records_by_slug(id, &skill, &slug).await.unwrap(), model.records_by_slug(id, &skill, &slug).await.unwrap());
}

/// Many batches and questions of one seed, to a store that is empty.
pub(crate) async fn run(seed: u64, store: &dyn CacheStore) {
    let mut chance = Chance(seed);
    let model = MemoryCache::new();
    let name = RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() };
    let id = model.attach(&name, at(0)).await.unwrap().id;
    assert_eq!(store.attach(&name, at(0)).await.unwrap().id, id);
    let mut outcomes = [0; 5];
    for round in 0..400 {
        let mut batch = Batch::new(id, at(round));
        batch.guard = chance.pick(&[Guard::All, Guard::Each]);
        batch.claiming = chance.pick(&[Claiming::IfFree, Claiming::Live, Claiming::Change]);
        if round == 0 || chance.often(3) {
            let fields = chance.pick(&[["p", "q"], ["f", "p"]]);
            let rules = UniqueRules::from([(KindName::new("skill"), fields.map(str::to_owned).to_vec())]);
            batch.repository_patch.unique = if round > 0 && chance.often(20) { Slot::Clear } else { Slot::Set(rules) };
        }
        for _ in 0..=chance.below(4) {
            batch.writes.push(write(&mut chance, &model, id).await);
        }
        if chance.often(25) {
            // Nothing but a value is asked for.
            batch.writes.truncate(1);
            batch.writes[0].live = Slot::Keep;
            batch.writes[0].change = Slot::Keep;
            batch.writes[0].private = Slot::Set([("p".to_owned(), value(&mut chance))].into_iter().collect());
            batch.claiming = Claiming::Change;
        }
        let (expected, outcome) = (model.apply(&batch).await, store.apply(&batch).await);
        match (&expected, &outcome) {
            (Ok(expected), Ok(outcome)) => {
                assert_eq!(outcome, expected, "seed {seed}, round {round}: {batch:#?}");
                let which = match outcome {
                    ApplyOutcome::Applied { .. } => 0,
                    ApplyOutcome::Moved(_) => 1,
                    ApplyOutcome::ValueTaken { .. } => 4,
                    _ => 2,
                };
                outcomes[which] += 1;
            }
            (Err(expected), Err(error)) => {
                assert_eq!(error.kind(), expected.kind());
                outcomes[3] += 1;
            }
            _ => panic!("seed {seed}, round {round}: {outcome:?} instead of {expected:?}"),
        }
        ask(&mut chance, &model, store, id).await;
        if round % 10 == 0 {
            compare(&model, store, id).await;
        }
        if chance.often(5) {
            let before = at(chance.below(20));
            assert_eq!(store.prune(id, before).await.unwrap(), model.prune(id, before).await.unwrap());
        }
    }
    compare(&model, store, id).await;
    // A value is seldom all that stands in the way.
    let [others @ .., taken] = outcomes;
    assert!(others.iter().all(|count| *count > 10) && taken > 0, "every outcome is met often enough: {outcomes:?}");
}
