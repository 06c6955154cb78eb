//! The repository's own row: its name, its lease and fence, its settings, its prepared chains and findings.

use std::time::Duration;

use uuid::Uuid;

use super::fixture::{
    applied, at, attached, attached_as, batch, blob, change, commit, content, file, find, get, key, new_live, owner, write,
};
use crate::ErrorKind;
use crate::knowledge::Diagnostic;
use crate::store::{
    ApplyOutcome, Batch, CacheStore, Change, ChangeState, Cursor, HeldDeletions, Lease, LeaseOutcome, Pause, Prepared, PreparedItem,
    RecordWrite, RepositoryKey, RepositoryPatch, Slot, StoredConfig, Target, UniqueRules,
};

const TTL: Duration = Duration::from_secs(30);

fn acquired(outcome: &LeaseOutcome) -> u64 {
    match outcome {
        LeaseOutcome::Acquired(fence) => *fence,
        LeaseOutcome::Held { .. } => panic!("the lease is acquired, not {outcome:?}"),
    }
}

/// Attaching is idempotent; another branch is another repository.
pub async fn attaching_twice_gives_the_same_repository(store: &dyn CacheStore) {
    let name = |branch: &str| RepositoryKey { namespace: "default".to_owned(), branch: branch.to_owned() };
    let first = store.attach(&name("main"), at(0)).await.unwrap();
    assert_eq!(first.key, name("main"));
    assert_eq!((&first.root, &first.cursor, &first.lease, first.fence), (&None, &None, &None, 0));
    assert_eq!(store.attach(&name("main"), at(5)).await.unwrap(), first);
    assert_eq!(store.repository(first.id).await.unwrap(), first);
    assert_ne!(store.attach(&name("next"), at(5)).await.unwrap().id, first.id);
}

/// Records, cursors and leases of one repository are nobody else's.
pub async fn many_repositories_live_side_by_side(store: &dyn CacheStore) {
    let mut repositories = Vec::new();
    for number in 0..20_u32 {
        let id = attached_as(store, &format!("customer-{number}")).await;
        let mut same_key = content("skills/pdf.md");
        same_key.body = format!("body {number}");
        write(store, id, vec![new_live("pdf", same_key)]).await;
        repositories.push(id);
    }
    for (number, id) in repositories.iter().enumerate() {
        let record = get(store, *id, "pdf").await;
        assert_eq!(record.live.unwrap().content.body, format!("body {number}"));
        assert_eq!(store.counts(*id, at(0)).await.unwrap().synced, 1);
        assert_eq!(store.manifest(*id, None, 10).await.unwrap().len(), 1);
    }
    let other = get(store, repositories[1], "pdf").await.uid;
    assert_eq!(store.records_by_uid(repositories[0], &[other]).await.unwrap(), vec![None]);
}

/// Writing and leasing need a repository; reading one that does not exist finds nothing.
pub async fn an_unknown_repository_is_not_found(store: &dyn CacheStore) {
    assert_eq!(store.repository(99).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.lease(99, &owner(1), at(0), TTL, None).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.apply(&Batch::new(99, at(0))).await.unwrap_err().kind(), ErrorKind::NotFound);
    store.release(99, 1).await.unwrap();
    assert!(find(store, 99, "pdf").await.is_none());
    assert_eq!(store.list(99, &crate::store::Query::default()).await.unwrap().total, 0);
}

/// Each slot of the row is kept, set or cleared by itself.
pub async fn the_repositorys_row_is_patched_slot_by_slot(store: &dyn CacheStore) {
    let id = attached(store).await;
    let cursor = Cursor { commit: commit(2), fingerprint: "f".to_owned() };
    let config = StoredConfig { yaml: "kinds:\n  - ä\n".to_owned(), schemas: [("s.json".to_owned(), "{\"a\": 1}\n".to_owned())].into() };
    let pause = Pause { reason: "the remote is down".to_owned(), code: "unavailable".to_owned(), until: at(60), attempts: 3 };
    let held = HeldDeletions { commit: commit(3), count: 40, since: at(1) };
    let unique = UniqueRules::from([("skill".into(), vec!["mail".to_owned()])]);
    let all = RepositoryPatch {
        root: Slot::Set(commit(1)),
        cursor: Slot::Set(cursor.clone()),
        config: Slot::Set(config.clone()),
        unique: Slot::Set(unique.clone()),
        pause: Slot::Set(pause.clone()),
        held: Slot::Set(held.clone()),
    };
    applied(store, &Batch { repository_patch: all, ..Batch::new(id, at(1)) }).await;
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.root, row.cursor), (Some(commit(1)), Some(cursor)));
    assert_eq!((row.config.clone(), row.pause, row.held), (Some(config.clone()), Some(pause), Some(held)));
    assert_eq!(row.unique, Some(unique.clone()));

    let some = RepositoryPatch { cursor: Slot::Clear, pause: Slot::Clear, held: Slot::Clear, ..RepositoryPatch::default() };
    applied(store, &Batch { repository_patch: some, ..Batch::new(id, at(2)) }).await;
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.root, row.config, row.unique), (Some(commit(1)), Some(config), Some(unique)));
    assert_eq!((row.cursor, row.pause, row.held), (None, None, None));
}

/// The first to ask has it until it expires.
pub async fn a_free_lease_is_acquired_and_held_against_others(store: &dyn CacheStore) {
    let id = attached(store).await;
    let fence = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    assert_eq!(fence, 1);
    let lease = Lease { owner: owner(1), until: at(30) };
    let held = LeaseOutcome::Held { lease: lease.clone(), fence };
    assert_eq!(store.lease(id, &owner(2), at(29), TTL, None).await.unwrap(), held);
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.fence, row.lease), (1, Some(lease)));
}

/// At its last moment a lease no longer counts.
pub async fn an_expired_lease_is_taken_over(store: &dyn CacheStore) {
    let id = attached(store).await;
    acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    assert_eq!(acquired(&store.lease(id, &owner(2), at(30), TTL, None).await.unwrap()), 2);
    assert_eq!(store.repository(id).await.unwrap().lease.unwrap().owner, owner(2));
}

/// The same owner never waits for itself.
pub async fn the_owner_renews_its_own_lease_under_a_new_fence(store: &dyn CacheStore) {
    let id = attached(store).await;
    acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    assert_eq!(acquired(&store.lease(id, &owner(1), at(1), TTL, None).await.unwrap()), 2);
    assert_eq!(store.repository(id).await.unwrap().lease.unwrap().until, at(31));
}

/// Replacing is compare-and-swap on the fence that was seen.
pub async fn a_dead_owners_lease_is_replaced_only_under_its_fence(store: &dyn CacheStore) {
    let id = attached(store).await;
    let fence = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    assert_eq!(acquired(&store.lease(id, &owner(2), at(1), TTL, Some(fence)).await.unwrap()), 2);
    let late = store.lease(id, &owner(3), at(2), TTL, Some(fence)).await.unwrap();
    assert!(matches!(late, LeaseOutcome::Held { fence: 2, .. }), "{late:?}");
}

/// Giving back needs the current fence; the fence itself stays.
pub async fn a_released_lease_is_free_and_an_old_fence_releases_nothing(store: &dyn CacheStore) {
    let id = attached(store).await;
    let first = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    let second = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    store.release(id, first).await.unwrap();
    assert!(store.repository(id).await.unwrap().lease.is_some());
    store.release(id, second).await.unwrap();
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.lease, row.fence), (None, second));
    assert_eq!(acquired(&store.lease(id, &owner(2), at(1), TTL, None).await.unwrap()), 3);
}

/// Whoever lost the lease writes nothing.
pub async fn a_batch_under_an_old_fence_is_refused(store: &dyn CacheStore) {
    let id = attached(store).await;
    let old = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    let new = acquired(&store.lease(id, &owner(2), at(31), TTL, None).await.unwrap());
    let fenced = |fence| Batch { fence: Some(fence), ..batch(id, vec![new_live("pdf", content("skills/pdf.md"))]) };
    assert_eq!(store.apply(&fenced(old)).await.unwrap(), ApplyOutcome::Fenced(new));
    assert!(find(store, id, "pdf").await.is_none());
    applied(store, &fenced(new)).await;
    assert!(find(store, id, "pdf").await.is_some());
}

/// Work under way keeps the lease alive; without a fence nothing is extended.
pub async fn a_batch_extends_the_lease(store: &dyn CacheStore) {
    let id = attached(store).await;
    let fence = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    applied(store, &Batch { fence: Some(fence), lease_until: Some(at(90)), ..Batch::new(id, at(10)) }).await;
    assert_eq!(store.repository(id).await.unwrap().lease, Some(Lease { owner: owner(1), until: at(90) }));
    applied(store, &Batch { lease_until: Some(at(200)), ..Batch::new(id, at(10)) }).await;
    assert_eq!(store.repository(id).await.unwrap().lease.unwrap().until, at(90));
    store.release(id, fence).await.unwrap();
    applied(store, &Batch { fence: Some(fence), lease_until: Some(at(300)), ..Batch::new(id, at(10)) }).await;
    assert_eq!(store.repository(id).await.unwrap().lease, None);
}

/// Taking the lease, writing and giving it back are parts of batches.
pub async fn a_batch_takes_a_free_lease_and_gives_it_back(store: &dyn CacheStore) {
    let id = attached(store).await;
    let fence = store.repository(id).await.unwrap().fence;
    applied(store, &Batch { fence: Some(fence), take: Some(owner(1)), lease_until: Some(at(90)), ..Batch::new(id, at(10)) }).await;
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.fence, row.lease), (fence + 1, Some(Lease { owner: owner(1), until: at(90) })));
    let late = Batch { fence: Some(fence), take: Some(owner(2)), lease_until: Some(at(95)), ..Batch::new(id, at(11)) };
    assert_eq!(store.apply(&late).await.unwrap(), ApplyOutcome::Fenced(fence + 1));
    applied(store, &Batch { fence: Some(fence + 1), release: true, ..Batch::new(id, at(12)) }).await;
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.fence, row.lease), (fence + 1, None));
}

/// Another owner's lease is taken once it has expired, one's own at any time.
pub async fn a_batch_does_not_take_a_lease_that_counts(store: &dyn CacheStore) {
    let id = attached(store).await;
    let fence = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    let until = store.repository(id).await.unwrap().lease.unwrap().until;
    let take = |who, now| Batch {
        fence: Some(fence),
        take: Some(owner(who)),
        lease_until: Some(at(1000)),
        writes: vec![new_live("pdf", content("skills/pdf.md"))],
        ..Batch::new(id, now)
    };
    assert_eq!(store.apply(&take(2, at(1))).await.unwrap(), ApplyOutcome::Fenced(fence));
    assert!(find(store, id, "pdf").await.is_none());
    applied(store, &take(1, at(1))).await;
    let free = Batch { fence: Some(fence + 1), take: Some(owner(2)), lease_until: Some(at(2000)), ..Batch::new(id, at(1000)) };
    assert!(until < at(1000));
    applied(store, &free).await;
    let row = store.repository(id).await.unwrap();
    assert_eq!((row.fence, row.lease), (fence + 2, Some(Lease { owner: owner(2), until: at(2000) })));
}

/// One look is what the row, the findings, the prepared chains and the queue tell one by one.
pub async fn the_outlook_tells_what_each_call_tells(store: &dyn CacheStore) {
    let id = attached(store).await;
    let fence = acquired(&store.lease(id, &owner(1), at(0), TTL, None).await.unwrap());
    let quiet = store.outlook(id, Some(at(5))).await.unwrap();
    assert_eq!(quiet.row, store.repository(id).await.unwrap());
    assert!(quiet.findings.is_empty() && quiet.prepared.is_empty() && !quiet.waiting);
    let waiting = |name: &str, due| {
        let ours = Change { due_at: at(due), updated_at: at(due), ..change(ChangeState::Pending, content(&format!("skills/{name}.md"))) };
        RecordWrite { change: Slot::Set(ours), ..RecordWrite::new(Target::New, key(name), 1) }
    };
    let chain = Prepared { id: Uuid::from_u128(1), fence, parent: None, tip: commit(2), items: Vec::new(), created_at: at(3) };
    let batch = Batch {
        writes: vec![waiting("late", 20), waiting("early", 10)],
        prepared: vec![chain.clone()],
        diagnostics: vec![("skills/bad.md".to_owned(), Some(blob(3)), vec![Diagnostic::error("skills/bad.md", "syntax", "no")])],
        ..Batch::new(id, at(4))
    };
    let uids = applied(store, &batch).await;
    let seen = store.outlook(id, Some(at(5))).await.unwrap();
    assert_eq!(seen.row, store.repository(id).await.unwrap());
    assert_eq!((seen.findings, seen.prepared), (store.diagnostics(id).await.unwrap(), vec![chain]));
    assert!(!seen.waiting);
    assert!(store.outlook(id, Some(at(10))).await.unwrap().waiting && store.outlook(id, None).await.unwrap().waiting);
    assert_eq!(store.waiting(id, None, 9).await.unwrap(), [uids[1], uids[0]]);
    assert_eq!(store.waiting(id, None, 1).await.unwrap(), [uids[1]]);
    assert_eq!(store.waiting(id, Some(at(10)), 9).await.unwrap(), [uids[1]]);
    assert_eq!(store.outlook(99, None).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Prepared chains are read back whole, oldest first.
pub async fn prepared_chains_are_kept_until_they_are_settled(store: &dyn CacheStore) {
    let id = attached(store).await;
    let chain = |number: u128, seconds| Prepared {
        id: Uuid::from_u128(number),
        fence: 4,
        parent: (number == 1).then(|| commit(1)),
        tip: commit(2),
        items: vec![PreparedItem {
            uid: 8,
            revision: 3,
            operations: vec![Uuid::from_u128(70), Uuid::from_u128(71)],
            commit: commit(2),
            blob: (number == 1).then(|| blob(5)),
            removed: false,
            location: file("skills/pdf.md"),
        }],
        created_at: at(seconds),
    };
    applied(store, &Batch { prepared: vec![chain(2, 20), chain(1, 10)], ..Batch::new(id, at(0)) }).await;
    assert_eq!(store.prepared(id).await.unwrap(), vec![chain(1, 10), chain(2, 20)]);
    applied(store, &Batch { settled: vec![Uuid::from_u128(1)], ..Batch::new(id, at(0)) }).await;
    assert_eq!(store.prepared(id).await.unwrap(), vec![chain(2, 20)]);
}

/// A path's findings are always the newest list; an empty one clears it.
pub async fn diagnostics_are_replaced_path_by_path(store: &dyn CacheStore) {
    let id = attached(store).await;
    let bad = Diagnostic::error("b.md", "yaml.char", "a tab; use spaces").at(3, 7, Some("\tfoo: ü".to_owned()));
    let warning = Diagnostic::warning("b.md", "field.unknown", "unknown");
    let other = Diagnostic::error("a.md", "encoding", "not UTF-8");
    let found =
        vec![("b.md".to_owned(), Some(blob(1)), vec![bad.clone(), warning.clone()]), ("a.md".to_owned(), None, vec![other.clone()])];
    applied(store, &Batch { diagnostics: found, ..Batch::new(id, at(0)) }).await;
    let expected = vec![(other.clone(), None), (bad, Some(blob(1))), (warning.clone(), Some(blob(1)))];
    assert_eq!(store.diagnostics(id).await.unwrap(), expected);

    let found = vec![("b.md".to_owned(), Some(blob(2)), vec![warning.clone()]), ("a.md".to_owned(), None, Vec::new())];
    applied(store, &Batch { diagnostics: found, ..Batch::new(id, at(0)) }).await;
    assert_eq!(store.diagnostics(id).await.unwrap(), vec![(warning, Some(blob(2)))]);
}
