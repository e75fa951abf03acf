//! Attempts that are begun one after the other and go on beside each other, as RFC 8305 has it for addresses.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// A name can have hundreds of addresses that do not answer. From this number on, each attempt more takes the place of the oldest: a
/// connection that is wanted is so many sockets at most.
const MAX_AT_ONCE: usize = 8;

/// Begins each attempt `delay` after the one before it, or as soon as one has failed, until one ends it all (`Break`). If none does: the
/// failure that came first; `None` without any attempt.
pub(super) async fn race<F, T, E>(attempts: impl IntoIterator<Item = F>, delay: Duration) -> Option<Result<T, E>>
where
    F: Future<Output = ControlFlow<Result<T, E>, E>>,
{
    let mut waiting = attempts.into_iter();
    let mut running = VecDeque::new();
    let mut first = None;
    loop {
        let next = waiting.next();
        let is_last = next.is_none();
        if let Some(attempt) = next {
            if running.len() == MAX_AT_ONCE {
                running.pop_front();
            }
            running.push_back(Box::pin(attempt));
        }
        if running.is_empty() {
            return first.map(Err);
        }
        let ended = match is_last {
            false => timeout(delay, any(&mut running)).await.ok(),
            true => Some(any(&mut running).await),
        };
        match ended {
            // The delay passed: the next one is tried beside it.
            None => {}
            Some(ControlFlow::Break(outcome)) => return Some(outcome),
            Some(ControlFlow::Continue(error)) => drop(first.get_or_insert(error)),
        }
    }
}

/// The first of them that ends, which is taken out.
async fn any<F: Future>(running: &mut VecDeque<Pin<Box<F>>>) -> F::Output {
    poll_fn(|cx| {
        for at in 0..running.len() {
            if let Poll::Ready(output) = running[at].as_mut().poll(cx) {
                drop(running.remove(at));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::pending;
    use tokio::time::{Instant, sleep};

    type Ended = ControlFlow<Result<usize, &'static str>, &'static str>;

    const DELAY: Duration = Duration::from_millis(250);

    /// What each attempt does: so many milliseconds, and how it ends; or no end at all.
    type Script = [Option<(u64, Ended)>];

    /// How it ends, after how many milliseconds, and how many attempts there were beside each other at most.
    type Race = (Option<Result<usize, &'static str>>, u128, usize);

    fn run(script: &Script) -> Race {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (open, most) = (Cell::new(0_usize), Cell::new(0));
        struct Open<'a>(&'a Cell<usize>);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        let attempt = |step: Option<(u64, Ended)>| {
            let (open, most) = (&open, &most);
            async move {
                open.set(open.get() + 1);
                most.set(most.get().max(open.get()));
                let _open = Open(open);
                match step {
                    Some((after, ended)) => {
                        sleep(Duration::from_millis(after)).await;
                        ended
                    }
                    None => pending().await,
                }
            }
        };
        let (outcome, took) = runtime.expect("a runtime").block_on(async {
            let begun = Instant::now();
            let outcome = race(script.iter().map(|step| attempt(*step)), DELAY).await;
            (outcome, begun.elapsed().as_millis())
        });
        assert_eq!(open.get(), 0, "none is left");
        (outcome, took, most.get())
    }

    const fn ends(after: u64, ended: Ended) -> Option<(u64, Ended)> {
        Some((after, ended))
    }

    const WINS: Ended = ControlFlow::Break(Ok(1));
    const FAILS: Ended = ControlFlow::Continue("refused");

    #[test]
    fn each_is_begun_when_the_one_before_has_failed_or_is_slow() {
        let cases: [(&Script, Race); 7] = [
            (&[], (None, 0, 0)),
            (&[ends(20, WINS), None], (Some(Ok(1)), 20, 1)),
            (&[ends(20, FAILS), ends(20, WINS)], (Some(Ok(1)), 40, 1)),
            (&[None, ends(20, WINS)], (Some(Ok(1)), 270, 2)),
            (&[ends(260, WINS), ends(260, ControlFlow::Break(Ok(2)))], (Some(Ok(1)), 260, 2)),
            (&[ends(300, ControlFlow::Continue("late")), ends(20, FAILS)], (Some(Err("refused")), 300, 2)),
            (&[ends(20, ControlFlow::Break(Err("over"))), ends(20, WINS)], (Some(Err("over")), 20, 1)),
        ];
        for (script, expected) in cases {
            assert_eq!(run(script), expected, "{script:?}");
        }
    }

    #[test]
    fn of_hundreds_that_do_not_answer_few_are_under_way() {
        let mut script = vec![None; 512];
        script.push(ends(20, WINS));
        assert_eq!(run(&script), (Some(Ok(1)), 512 * 250 + 20, MAX_AT_ONCE));
        let mut script = vec![ends(0, FAILS); 512];
        script.push(ends(20, WINS));
        assert_eq!(run(&script), (Some(Ok(1)), 20, 1));
    }

    #[test]
    fn one_has_its_time_before_it_makes_room() {
        let slow = Some((MAX_AT_ONCE as u64 * 250 - 1, WINS));
        let mut script = vec![None; 100];
        script[3] = slow;
        let (outcome, took, _) = run(&script);
        assert_eq!((outcome, took), (Some(Ok(1)), 3 * 250 + MAX_AT_ONCE as u128 * 250 - 1));
    }
}
