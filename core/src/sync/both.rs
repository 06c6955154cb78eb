//! Two things at once without a runtime: while the stores' own threads work on one, the caller's works on the other.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Drives both to their ends on the caller's task; `first` is looked at first.
pub(super) async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut one, mut two) = (None, None);
    poll_fn(move |context| {
        if one.is_none()
            && let Poll::Ready(value) = first.as_mut().poll(context)
        {
            one = Some(value);
        }
        if two.is_none()
            && let Poll::Ready(value) = second.as_mut().poll(context)
        {
            two = Some(value);
        }
        match (one.take(), two.take()) {
            (Some(one), Some(two)) => Poll::Ready((one, two)),
            (left, right) => {
                (one, two) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Ready once both have been asked, however often that takes.
    async fn met(there: &AtomicUsize) -> usize {
        there.fetch_add(1, Ordering::Relaxed);
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if there.load(Ordering::Relaxed) == 2 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        there.load(Ordering::Relaxed)
    }

    #[test]
    fn the_second_begins_before_the_first_has_ended() {
        let there = AtomicUsize::new(0);
        assert_eq!(pollster::block_on(both(met(&there), met(&there))), (2, 2));
    }

    #[test]
    fn whichever_ends_first_is_not_asked_again() {
        let there = AtomicUsize::new(1);
        assert_eq!(pollster::block_on(both(async { "ready" }, met(&there))), ("ready", 2));
        assert_eq!(pollster::block_on(both(async { 1 }, async { 2 })), (1, 2));
    }
}
