use super::*;
use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::task::LocalSet;
use tokio::time::{advance, sleep, timeout};

/// What a scripted resolver does with a question.
#[derive(Clone, Debug)]
enum Say {
    /// These addresses, after so many milliseconds.
    Addresses(u64, Vec<&'static str>),
    Fail(&'static str),
    Hang,
    Panic,
}

#[derive(Debug, Default)]
struct Scripted {
    script: Mutex<VecDeque<Say>>,
    asked: Mutex<Vec<String>>,
}

impl Lookup for Scripted {
    fn lookup(&self, host: &str) -> LookupFuture {
        self.asked.lock().expect("no panic").push(host.to_owned());
        let say = self.script.lock().expect("no panic").pop_front().expect("a line of the script");
        Box::pin(async move {
            match say {
                Say::Addresses(after, addresses) => {
                    sleep(Duration::from_millis(after)).await;
                    Ok(addresses.iter().map(|text| SocketAddr::new(text.parse().expect(text), 0)).collect())
                }
                Say::Fail(code) => {
                    sleep(Duration::from_millis(20)).await;
                    Err(LookupError::new(code, "no answer"))
                }
                Say::Hang => pending().await,
                Say::Panic => panic!("a resolver with a fault"),
            }
        })
    }
}

const ONE: &[&str] = &["192.0.2.1"];
const TWO: &[&str] = &["192.0.2.2", "2001:db8::2"];

fn say(after: u64, addresses: &[&'static str]) -> Say {
    Say::Addresses(after, addresses.to_vec())
}

/// Runs `test` with names whose resolver follows the script, on a clock that only the test moves.
fn with<T, F: Future<Output = T>>(
    ttl: Option<u64>,
    script: impl IntoIterator<Item = Say>,
    test: impl FnOnce(Rc<Names>, Arc<Scripted>) -> F,
) -> T {
    let scripted = Arc::new(Scripted { script: Mutex::new(script.into_iter().collect()), ..Scripted::default() });
    let names = Rc::new(Names::new(Some(scripted.clone()), ttl.map(Duration::from_millis)));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test(names, scripted))
}

/// The addresses as text, or the code of the failure.
async fn find(names: &Names, host: &str) -> String {
    match names.find(host).await {
        Ok(answer) => answer.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(" "),
        Err(error) => error.code.to_owned(),
    }
}

/// The same, begun at once.
async fn begin(names: &Rc<Names>, host: &'static str) -> JoinHandle<String> {
    let names = names.clone();
    let finding = spawn_local(async move { find(&names, host).await });
    tokio::task::yield_now().await;
    finding
}

async fn pass(ms: u64) {
    advance(Duration::from_millis(ms)).await;
}

#[test]
fn those_that_ask_at_one_time_share_the_question() {
    with(Some(10_000), [say(20, TWO), say(0, ONE)], |names, scripted| async move {
        let mut all = Vec::new();
        for _ in 0..256 {
            all.push(begin(&names, "a.test").await);
        }
        // Asked later, answered first.
        assert_eq!(find(&names, "b.test").await, "192.0.2.1");
        for one in all {
            assert_eq!(one.await.expect("no panic"), "192.0.2.2 2001:db8::2");
        }
        assert_eq!(*scripted.asked.lock().expect("no panic"), ["a.test", "b.test"]);
    });
}

#[test]
fn an_answer_is_used_again_until_its_time_is_over() {
    with(Some(10_000), [say(0, ONE), say(0, TWO)], |names, scripted| async move {
        for _ in 0..3 {
            assert_eq!(find(&names, "a.test").await, "192.0.2.1");
            pass(3_000).await;
        }
        pass(1_000).await;
        assert_eq!(find(&names, "a.test").await, "192.0.2.2 2001:db8::2");
        assert_eq!(scripted.asked.lock().expect("no panic").len(), 2);
    });
}

#[test]
fn without_a_time_to_live_each_asks() {
    for ttl in [None, Some(0)] {
        with(ttl, [say(0, ONE), say(0, TWO), Say::Fail("EAI_AGAIN")], |names, _| async move {
            assert_eq!(find(&names, "a.test").await, "192.0.2.1");
            assert_eq!(find(&names, "a.test").await, "192.0.2.2 2001:db8::2");
            assert_eq!(find(&names, "a.test").await, "EAI_AGAIN");
            assert!(names.known.borrow().is_empty());
        });
    }
}

#[test]
fn each_address_is_there_once() {
    let twice = ["192.0.2.2", "192.0.2.1", "::ffff:192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:DB8:0::2"];
    with(None, [say(0, &twice)], |names, _| async move {
        assert_eq!(find(&names, "a.test").await, "192.0.2.2 192.0.2.1 2001:db8::2");
    });
}

#[test]
fn failures_are_not_kept() {
    let script = [Say::Fail("ENOTFOUND"), say(0, &[]), Say::Panic, Say::Fail("EAI_AGAIN"), say(0, ONE)];
    with(Some(10_000), script, |names, _| async move {
        for expected in ["ENOTFOUND", "ENOTFOUND", "EAI_FAIL", "EAI_AGAIN", "192.0.2.1", "192.0.2.1"] {
            assert_eq!(find(&names, "a.test").await, expected);
        }
    });
}

#[test]
fn a_stale_answer_is_used_once_more_when_the_resolver_fails() {
    let script = [say(0, ONE), Say::Fail("EAI_AGAIN"), Say::Fail("EAI_AGAIN"), say(0, TWO), say(0, &[])];
    with(Some(1_000), script, |names, _| async move {
        assert_eq!(find(&names, "a.test").await, "192.0.2.1");
        pass(60_000).await;
        // All that share the question share what takes its place.
        for one in [begin(&names, "a.test").await, begin(&names, "a.test").await] {
            assert_eq!(one.await.expect("no panic"), "192.0.2.1");
        }
        assert_eq!(find(&names, "a.test").await, "EAI_AGAIN");
        assert_eq!(find(&names, "a.test").await, "192.0.2.2 2001:db8::2");
        pass(1_000).await;
        assert_eq!(find(&names, "a.test").await, "192.0.2.2 2001:db8::2");
    });
}

#[test]
fn an_answer_that_led_nowhere_is_forgotten() {
    with(Some(10_000), [say(0, ONE), say(0, TWO), Say::Fail("EAI_AGAIN")], |names, _| async move {
        let answer = names.find("a.test").await.expect("an answer");
        names.forget("a.test", &answer);
        let newer = names.find("a.test").await.expect("an answer");
        // That was about the older one.
        names.forget("a.test", &answer);
        assert_eq!(find(&names, "a.test").await, "192.0.2.2 2001:db8::2");
        names.forget("a.test", &newer);
        assert_eq!(find(&names, "a.test").await, "EAI_AGAIN", "nor is it used as a stale one");
    });
}

#[test]
fn a_question_ends_when_the_last_one_that_asked_goes() {
    with(Some(10_000), [Say::Hang, say(0, ONE)], |names, scripted| async move {
        let patient = begin(&names, "a.test").await;
        let waited = timeout(Duration::from_millis(50), names.find("a.test")).await;
        assert!(waited.is_err());
        assert!(!patient.is_finished());
        patient.abort();
        tokio::task::yield_now().await;
        assert_eq!(scripted.asked.lock().expect("no panic").len(), 1);
        assert_eq!(find(&names, "a.test").await, "192.0.2.1");
    });
}

#[test]
fn a_question_that_hangs_is_not_joined_for_ever_and_holds_up_no_other_name() {
    with(Some(10_000), [Say::Hang, say(0, TWO), say(0, ONE)], |names, _| async move {
        let patient = begin(&names, "a.test").await;
        assert_eq!(find(&names, "b.test").await, "192.0.2.2 2001:db8::2");
        pass(10_000).await;
        assert_eq!(find(&names, "a.test").await, "192.0.2.1");
        assert!(!patient.is_finished());
        patient.abort();
    });
}

#[test]
fn ever_new_names_are_not_kept() {
    let names = (0..2 * MAX_KNOWN_COUNT).map(|_| say(0, ONE));
    with(Some(10_000), names, |names, _| async move {
        for i in 0..2 * MAX_KNOWN_COUNT {
            let _ = names.find(&format!("{i}.test")).await;
        }
        assert!(names.known.borrow().len() <= MAX_KNOWN_COUNT);
    });
}
