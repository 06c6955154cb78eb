//! Cases about moving the branch: compare-and-swap, lost races, ancestry.

use super::{assert_kind, commit, paths, publish, publish_all, put, unknown};
use crate::ErrorKind;
use crate::store::{AdvanceOutcome, GitStore};

/// With the id that is really there; nothing changes.
pub async fn a_lost_race_names_where_the_branch_is(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    let ours = store.prepare(Some(&first), &[commit(vec![put("a", b"ours")])]).await.expect("prepare").remove(0);
    let theirs = publish(store, Some(&first), vec![put("b", b"theirs")]).await;
    let outcome = store.advance(Some(&first), &ours).await.expect("advance");
    assert_eq!(outcome, AdvanceOutcome::Moved(Some(theirs.clone())));
    assert_eq!(store.head().await.expect("head"), Some(theirs));
}

/// Two first commits: the second finds the branch.
pub async fn a_branch_that_exists_is_not_created_again(store: &dyn GitStore) {
    let late = store.prepare(None, &[commit(vec![put("a", b"late")])]).await.expect("prepare").remove(0);
    let first = publish(store, None, vec![put("a", b"1")]).await;
    assert_eq!(store.advance(None, &late).await.expect("advance"), AdvanceOutcome::Moved(Some(first.clone())));
    assert_eq!(store.head().await.expect("head"), Some(first));
}

/// Whoever expects a commit does not make the branch.
pub async fn a_branch_that_is_gone_is_not_recreated(store: &dyn GitStore) {
    let chain = [commit(vec![put("a", b"1")]), commit(vec![put("a", b"2")])];
    let ids = store.prepare(None, &chain).await.expect("prepare");
    assert_eq!(store.advance(Some(&ids[0]), &ids[1]).await.expect("advance"), AdvanceOutcome::Moved(None));
    assert_eq!(store.head().await.expect("head"), None);
}

/// Of two chains on one parent, started together.
pub async fn only_one_of_two_concurrent_moves_wins(store: &dyn GitStore) {
    let mut parent = publish(store, None, vec![put("a", b"0")]).await;
    for round in 0..10 {
        let [left, right] = ["left", "right"].map(|side| [commit(vec![put(&format!("{side}{round}"), b"1")])]);
        let left = store.prepare(Some(&parent), &left).await.expect("prepare").remove(0);
        let right = store.prepare(Some(&parent), &right).await.expect("prepare").remove(0);
        let (a, b) = both(store.advance(Some(&parent), &left), store.advance(Some(&parent), &right)).await;
        let (a, b) = (a.expect("advance"), b.expect("advance"));
        let head = store.head().await.expect("head").expect("a commit");
        if head == left {
            assert_eq!((a, b), (AdvanceOutcome::Advanced, AdvanceOutcome::Moved(Some(left))));
        } else {
            assert_eq!((b, a), (AdvanceOutcome::Advanced, AdvanceOutcome::Moved(Some(right))));
        }
        parent = head;
    }
}

/// Polls two futures together until both are done.
async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (Box::pin(a), Box::pin(b));
    let (mut left, mut right) = (None, None);
    std::future::poll_fn(move |context| {
        if left.is_none()
            && let std::task::Poll::Ready(value) = a.as_mut().poll(context)
        {
            left = Some(value);
        }
        if right.is_none()
            && let std::task::Poll::Ready(value) = b.as_mut().poll(context)
        {
            right = Some(value);
        }
        match (left.take(), right.take()) {
            (Some(left), Some(right)) => std::task::Poll::Ready((left, right)),
            (one, other) => {
                (left, right) = (one, other);
                std::task::Poll::Pending
            }
        }
    })
    .await
}

/// `NotFound`; the branch stays.
pub async fn the_branch_moves_only_to_commits_that_exist(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    assert_kind(store.advance(Some(&first), &unknown(&first)).await, ErrorKind::NotFound);
    let blob = store.tree(&first).await.expect("tree").remove(0).blob;
    assert_kind(store.advance(Some(&first), &crate::store::CommitId::new(blob.as_str())).await, ErrorKind::NotFound);
    assert_eq!(store.head().await.expect("head"), Some(first));
}

/// To a commit that is not a descendant, as after a force-push.
pub async fn the_branch_can_move_back(store: &dyn GitStore) {
    let chain = [commit(vec![put("a", b"1")]), commit(vec![put("a", b"2"), put("b/c", b"3")])];
    let ids = publish_all(store, None, &chain).await;
    assert_eq!(store.advance(Some(&ids[1]), &ids[0]).await.expect("advance"), AdvanceOutcome::Advanced);
    assert_eq!(store.head().await.expect("head"), Some(ids[0].clone()));
    assert_eq!(paths(store, &ids[0]).await, ["a"]);
    assert!(store.exists(&ids[1]).await.expect("exists"));
}

/// And is a success.
pub async fn moving_to_where_it_is_changes_nothing(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    assert_eq!(store.advance(Some(&first), &first).await.expect("advance"), AdvanceOutcome::Advanced);
    assert_eq!(store.head().await.expect("head"), Some(first));
}

/// Itself, everything below it, nothing beside or above it.
pub async fn a_branch_contains_its_ancestors_and_nothing_else(store: &dyn GitStore) {
    let chain: Vec<_> = (0..4u8).map(|i| commit(vec![put("a", &[i])])).collect();
    let ids = publish_all(store, None, &chain).await;
    let beside = store.prepare(Some(&ids[1]), &[commit(vec![put("b", b"1")])]).await.expect("prepare").remove(0);
    let unrelated = store.prepare(None, &[commit(vec![put("c", b"1")])]).await.expect("prepare").remove(0);
    for (at, id) in ids.iter().enumerate() {
        for (below, other) in ids.iter().enumerate() {
            assert_eq!(store.contains(id, other).await.expect("contains"), below <= at, "{at} contains {below}");
        }
    }
    let nobody = unknown(&ids[0]);
    let contains = async |tip, commit| store.contains(tip, commit).await.expect("contains");
    assert!(contains(&beside, &ids[0]).await);
    assert!(!contains(&beside, &ids[2]).await);
    assert!(!contains(&ids[3], &beside).await);
    assert!(!contains(&ids[3], &unrelated).await);
    assert!(!contains(&ids[3], &nobody).await);
    assert!(!contains(&nobody, &ids[0]).await);
    assert!(!contains(&nobody, &nobody).await);
}

/// The ordinary way out of a lost race.
pub async fn a_loser_can_prepare_again_and_win(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    let ours = [commit(vec![put("ours", b"1")])];
    let lost = store.prepare(Some(&first), &ours).await.expect("prepare").remove(0);
    publish(store, Some(&first), vec![put("theirs", b"1")]).await;
    let AdvanceOutcome::Moved(Some(actual)) = store.advance(Some(&first), &lost).await.expect("advance") else {
        panic!("the race was not lost");
    };
    let won = publish_all(store, Some(&actual), &ours).await.remove(0);
    assert_eq!(paths(store, &won).await, ["a", "ours", "theirs"]);
}
