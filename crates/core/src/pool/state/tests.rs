//! The decisions of the pool, with values in place of connections. The clock of tokio is read, and moves only where a test says.

use super::*;
use crate::origin::Origin;
use crate::pool::decision::{Exclusive, Multiplexed, PARK_AFTER, Ticket};
use crate::proxy::ProxyScheme;
use crate::proxy::testing::proxy;
use std::cell::Cell;
use std::time::Duration;

/// Stands for connections: what the state asks of one is what a test has set.
enum Values {}

#[derive(Default)]
struct Http1 {
    closed: Cell<bool>,
    parked: Cell<bool>,
}

struct Http2 {
    retired: Cell<bool>,
    streams: Cell<usize>,
    taken: Cell<Option<usize>>,
    expected: Cell<Option<usize>>,
    /// `None` before SETTINGS, when one stream is risked.
    max_streams: Cell<Option<usize>>,
}

impl Kinds for Values {
    type Exclusive = Http1;
    type Multiplexed = Http2;
    /// The name of the request that waits.
    type Grant = &'static str;
}

impl Exclusive for Http1 {
    fn is_closed(&self) -> bool {
        self.closed.get()
    }

    fn park(&self) {
        self.parked.set(true);
    }
}

impl Multiplexed for Http2 {
    fn is_usable(&self) -> bool {
        !self.retired.get()
    }

    fn retire(&self) {
        self.retired.set(true);
    }

    fn open_stream(&self) -> bool {
        let free = self.streams.get() < self.max_streams.get().unwrap_or(1);
        self.streams.set(self.streams.get() + usize::from(free));
        free
    }

    fn streams(&self) -> usize {
        self.streams.get()
    }

    fn taken(&self) -> Option<usize> {
        self.taken.get()
    }

    fn expect_to_take(&self, streams: usize) {
        self.expected.set(Some(streams));
    }

    fn awaits_settings(&self) -> bool {
        matches!(self.max_streams.get(), None | Some(0))
    }
}

fn key(url: &str) -> Key {
    Key::new(&Origin::parse(url).expect("an origin"), None)
}

fn plain() -> Key {
    key("http://plain.test")
}

fn secure() -> Key {
    key("https://secure.test")
}

/// A pool's state, its limits, and connections by number.
struct Pool {
    state: State<Values>,
    config: PoolConfig,
    next_id: u64,
}

impl Pool {
    fn new(change: impl FnOnce(&mut PoolConfig)) -> Pool {
        let mut config = PoolConfig { keepalive_expiry: None, ..PoolConfig::default() };
        change(&mut config);
        Pool { state: State::default(), config, next_id: 1 }
    }

    fn decide(&mut self, key: &Key) -> Decision<Values> {
        self.state.decide(key, &self.config, false)
    }

    /// What is decided, in a word.
    fn word(&mut self, key: &Key) -> String {
        word(&self.decide(key))
    }

    /// An idle connection, from a slot that was given before.
    fn put_idle(&mut self, key: &Key, until: Option<Instant>) -> (u64, Option<Closing<Values>>) {
        let id = self.next_id;
        self.next_id += 1;
        let idle = Idle { connection: Http1::default(), id, since: Instant::now(), until };
        (id, self.state.put_idle(key, idle, &self.config))
    }

    fn connect_idle(&mut self, key: &Key) -> u64 {
        assert!(matches!(self.decide(key), Decision::Connect { .. }));
        self.put_idle(key, None).0
    }

    /// A shared connection with one stream, from a slot that was given before.
    fn share(&mut self, key: &Key, max_streams: Option<usize>) -> (u64, Rc<Http2>) {
        let id = self.next_id;
        self.next_id += 1;
        let http2 = Http2 {
            retired: Cell::new(false),
            streams: Cell::new(1),
            taken: Cell::new(None),
            expected: Cell::new(None),
            max_streams: Cell::new(max_streams),
        };
        let http2 = Rc::new(http2);
        self.state.share(key, id, http2.clone(), self.config.retires(Instant::now()));
        self.state.learn(key, KnownProtocol::Http2);
        self.state.end_single_flight(key);
        (id, http2)
    }

    fn enqueue(&mut self, key: &Key, name: &'static str) {
        let ticket = self.state.next_ticket;
        self.state.next_ticket += 1;
        self.state.queue.push_back(Waiter {
            ticket: Ticket { is_new: true, number: ticket },
            key: key.clone(),
            grant: name,
        });
    }

    fn grant(&mut self) -> Option<(&'static str, String)> {
        self.state.next_grant(&self.config).map(|(waiter, decision)| (waiter.grant, word(&decision)))
    }

    fn counts(&self) -> (usize, usize, usize) {
        (self.state.open, self.state.idle, self.state.queue.len())
    }
}

fn word(decision: &Decision<Values>) -> String {
    match decision {
        Decision::Idle(idle) => format!("idle {}", idle.id),
        Decision::Stream { id, .. } => format!("stream on {id}"),
        Decision::Connect { evicted, single_flight } => {
            let evicted = match evicted {
                Some(Closing::Idle(_)) => ", evicting one",
                Some(Closing::Shared(_)) => ", evicting a shared one",
                None => "",
            };
            format!("connect{}{evicted}", if *single_flight { " for all" } else { "" })
        }
        Decision::Wait(what) => format!("wait for {what:?}"),
    }
}

#[test]
fn the_connection_used_last_is_used_first() {
    let mut pool = Pool::new(|_| ());
    let (first, second) = (pool.word(&plain()), pool.word(&plain()));
    assert_eq!((first.as_str(), second.as_str()), ("connect", "connect"));
    let (a, b) = (pool.put_idle(&plain(), None).0, pool.put_idle(&plain(), None).0);
    assert_eq!(pool.counts(), (2, 2, 0));
    assert_eq!([pool.word(&plain()), pool.word(&plain())], [format!("idle {b}"), format!("idle {a}")]);
    assert_eq!(pool.counts(), (2, 0, 0));
    assert_eq!(pool.word(&plain()), "connect");
}

#[test]
fn what_is_closed_or_has_expired_is_passed_over_and_its_slot_is_free() {
    let mut pool = Pool::new(|config| config.max_connections = Some(2));
    let closed = pool.connect_idle(&plain());
    pool.state.per_origin[&plain()].idle[0].connection.closed.set(true);
    assert!(matches!(pool.decide(&key("http://other.test")), Decision::Connect { evicted: None, .. }));
    pool.put_idle(&key("http://other.test"), Some(Instant::now()));
    assert_eq!(pool.counts(), (2, 2, 0));
    assert_eq!((pool.word(&plain()), pool.counts()), ("connect".to_owned(), (2, 1, 0)), "{closed} was closed");
    assert_eq!((pool.word(&key("http://other.test")), pool.counts()), ("connect".to_owned(), (2, 0, 0)));
    assert_eq!(pool.word(&plain()), "wait for Slot");
}

#[test]
fn a_connection_is_for_its_key_only() {
    let direct = plain();
    let origin = Origin::parse("http://plain.test").expect("an origin");
    let one = proxy(ProxyScheme::Http, None, "");
    let through = [Key::new(&origin, Some(&one)), Key::new(&origin, Some(&proxy(ProxyScheme::Http, None, "")))];
    let mut pool = Pool::new(|_| ());
    pool.connect_idle(&direct);
    pool.connect_idle(&through[0]);
    assert_eq!(pool.word(&through[1]), "connect", "an equal proxy is not the same one");
    assert_eq!(pool.word(&Key::new(&origin, Some(&one.clone()))), "idle 2");
    assert_eq!(pool.word(&direct), "idle 1");
}

#[test]
fn limits_make_requests_wait_and_an_idle_connection_elsewhere_makes_room() {
    let (here, there) = (plain(), key("http://other.test"));
    let mut pool = Pool::new(|config| {
        config.max_connections = Some(2);
        config.max_connections_per_origin = Some(1);
    });
    pool.connect_idle(&there);
    assert_eq!(pool.word(&here), "connect");
    assert_eq!(pool.word(&here), "wait for Slot", "the limit of the origin");
    let third = key("http://third.test");
    assert_eq!(pool.word(&third), "connect, evicting one");
    assert_eq!(pool.counts(), (2, 0, 0));
    assert_eq!(pool.word(&there), "wait for Slot", "nothing is idle");
    pool.state.leave(&here);
    assert_eq!(pool.word(&there), "connect");
}

#[test]
fn one_origin_leaves_a_tenth_of_the_connections_to_the_others() {
    for (most, share) in [(1, 1), (2, 2), (9, 9), (10, 9), (19, 18), (20, 18), (100, 90), (1_000, 900)] {
        let (here, there) = (plain(), key("http://other.test"));
        let mut pool = Pool::new(|config| config.max_connections = Some(most));
        for _ in 0..share {
            assert_eq!(pool.word(&here), "connect");
        }
        assert_eq!(pool.word(&here), "wait for Slot", "{share} of {most}");
        for _ in share..most {
            assert_eq!(pool.word(&there), "connect");
        }
        assert_eq!(pool.word(&there), "wait for Slot", "{most}");
    }
}

#[test]
fn the_longest_idle_one_is_evicted_and_none_of_the_same_origin() {
    let mut pool = Pool::new(|config| config.max_connections = Some(3));
    let (a, b, c) = (key("http://a.test"), key("http://b.test"), key("http://c.test"));
    for key in [&a, &b, &c] {
        pool.connect_idle(key);
    }
    pool.state.per_origin.get_mut(&b).expect("there").idle[0].since -= Duration::from_secs(1);
    assert_eq!(pool.word(&key("http://d.test")), "connect, evicting one");
    assert_eq!([&a, &b, &c].map(|key| pool.state.per_origin.contains_key(key)), [true, false, true]);
}

#[test]
fn one_connection_is_made_for_all_where_it_may_be_shared() {
    let mut pool = Pool::new(|_| ());
    assert_eq!(pool.word(&secure()), "connect for all");
    assert_eq!(pool.word(&secure()), "wait for Connection");
    assert!(pool.state.connecting(&secure()).is_some());
    let (id, http2) = pool.share(&secure(), Some(2));
    assert!(pool.state.connecting(&secure()).is_none());
    assert_eq!(pool.word(&secure()), format!("stream on {id}"));
    assert_eq!((pool.word(&secure()), http2.streams()), ("connect for all".to_owned(), 2), "the streams are used up");
    assert_eq!(pool.counts(), (2, 0, 0));
}

#[test]
fn an_origin_that_speaks_http1_gets_connections_at_once() {
    for protocol in [KnownProtocol::Http1, KnownProtocol::Http1Only] {
        let mut pool = Pool::new(|_| ());
        pool.decide(&secure());
        pool.state.learn(&secure(), protocol);
        pool.state.end_single_flight(&secure());
        assert_eq!([pool.word(&secure()), pool.word(&secure())], ["connect", "connect"]);
    }
    let mut pool = Pool::new(|_| ());
    assert_eq!([pool.word(&plain()), pool.word(&plain())], ["connect", "connect"], "http: has no ALPN");
    pool.config.versions.http1 = false;
    assert_eq!(pool.word(&key("http://other.test")), "connect for all", "HTTP/2 is known beforehand");
    assert_eq!(pool.word(&key("http://other.test")), "wait for Connection");
}

#[test]
fn http1_required_is_not_forgotten_by_what_is_learnt_later() {
    let mut pool = Pool::new(|_| ());
    pool.state.learn(&secure(), KnownProtocol::Http1Only);
    pool.state.learn(&secure(), KnownProtocol::Http2);
    assert!(pool.state.requires_http1(&secure()));
}

#[test]
fn after_a_failed_attempt_those_that_waited_for_it_do_not_wait_for_the_next() {
    let mut pool = Pool::new(|_| ());
    pool.decide(&secure());
    for name in ["first", "second"] {
        pool.enqueue(&secure(), name);
    }
    assert_eq!(pool.grant(), None, "the connection is being made");
    pool.state.learn(&secure(), KnownProtocol::Unknown);
    pool.state.end_single_flight(&secure());
    pool.state.leave(&secure());
    assert_eq!(pool.grant(), Some(("first", "connect".to_owned())));
    assert_eq!(pool.grant(), Some(("second", "connect".to_owned())));
    assert_eq!(pool.word(&secure()), "connect for all", "a new request begins anew");
}

#[test]
fn before_settings_one_stream_is_risked_and_the_others_wait() {
    let mut pool = Pool::new(|_| ());
    pool.decide(&secure());
    let (id, http2) = pool.share(&secure(), None);
    assert_eq!(pool.word(&secure()), "wait for Slot");
    http2.max_streams.set(Some(0));
    assert_eq!(pool.word(&secure()), "wait for Slot", "no stream is allowed for now");
    http2.max_streams.set(Some(2));
    assert_eq!(pool.word(&secure()), format!("stream on {id}"));
}

#[test]
fn a_shared_connection_is_idle_after_its_last_stream() {
    let mut pool = Pool::new(|_| ());
    pool.decide(&secure());
    let (id, http2) = pool.share(&secure(), Some(9));
    pool.decide(&secure());
    http2.streams.set(1);
    assert!(pool.state.end_stream(&secure(), id, None, &pool.config).is_none());
    assert_eq!(pool.counts(), (1, 0, 0), "one stream is left");
    http2.streams.set(0);
    assert!(pool.state.end_stream(&secure(), id, None, &pool.config).is_none());
    assert_eq!(pool.counts(), (1, 1, 0));
    assert_eq!((pool.word(&secure()), pool.counts()), (format!("stream on {id}"), (1, 0, 0)));
    http2.streams.set(0);
    http2.retired.set(true);
    assert!(pool.state.end_stream(&secure(), id, None, &pool.config).is_some(), "it takes no more streams");
    assert_eq!(pool.counts(), (0, 0, 0));
}

#[test]
fn a_shared_connection_that_ends_frees_its_slot_once() {
    let mut pool = Pool::new(|_| ());
    pool.decide(&secure());
    let (id, http2) = pool.share(&secure(), Some(9));
    http2.streams.set(0);
    pool.state.end_stream(&secure(), id, None, &pool.config);
    assert!(pool.state.unshare(&secure(), id).is_some());
    assert_eq!(pool.counts(), (0, 0, 0));
    assert!(pool.state.unshare(&secure(), id).is_none());
    assert!(pool.state.end_stream(&secure(), id, None, &pool.config).is_none());
    assert_eq!(pool.counts(), (0, 0, 0));
}

#[test]
fn more_idle_connections_than_are_kept_leave_the_oldest_first() {
    let mut pool = Pool::new(|config| config.max_keepalive_connections = Some(1));
    pool.decide(&plain());
    pool.decide(&plain());
    let (first, surplus) = pool.put_idle(&plain(), None);
    assert!(surplus.is_none());
    pool.state.per_origin.get_mut(&plain()).expect("there").idle[0].since -= Duration::from_secs(1);
    let (second, surplus) = pool.put_idle(&plain(), None);
    assert!(matches!(surplus, Some(Closing::Idle(idle)) if idle.id == first));
    assert_eq!((pool.word(&plain()), pool.counts()), (format!("idle {second}"), (1, 0, 0)));
}

#[test]
fn the_queue_is_served_in_order_but_past_those_that_have_to_wait() {
    let (full, free) = (plain(), key("http://other.test"));
    let mut pool = Pool::new(|config| config.max_connections_per_origin = Some(1));
    pool.decide(&full);
    for (key, name) in [(&full, "1 full"), (&free, "2 free"), (&full, "3 full"), (&free, "4 free")] {
        pool.enqueue(key, name);
    }
    assert_eq!(pool.grant(), Some(("2 free", "connect".to_owned())));
    assert_eq!(pool.grant(), None);
    let (id, _) = pool.put_idle(&full, None);
    assert_eq!(pool.grant(), Some(("1 full", format!("idle {id}"))));
    assert_eq!(pool.grant(), None);
    assert_eq!(pool.counts(), (2, 0, 2));
}

#[test]
fn a_full_pool_still_gives_streams() {
    let mut pool = Pool::new(|config| config.max_connections = Some(1));
    pool.decide(&secure());
    let (id, _) = pool.share(&secure(), Some(2));
    for (key, name) in [(&plain(), "no slot"), (&secure(), "a stream")] {
        pool.enqueue(key, name);
    }
    assert_eq!(pool.grant(), Some(("a stream", format!("stream on {id}"))));
    assert_eq!(pool.grant(), None);
}

#[test]
fn parking_comes_after_half_a_second_and_expiry_when_it_is_due() {
    let mut pool = Pool::new(|_| ());
    pool.decide(&plain());
    let now = Instant::now();
    let expiry = now + 2 * PARK_AFTER;
    pool.put_idle(&plain(), Some(expiry));
    let parked = |pool: &Pool| pool.state.per_origin[&plain()].idle[0].connection.parked.get();
    let since = pool.state.per_origin[&plain()].idle[0].since;
    assert_eq!((pool.state.tend(now), parked(&pool)), (Some(since + PARK_AFTER), false));
    assert_eq!((pool.state.tend(since + PARK_AFTER), parked(&pool)), (Some(expiry), true));
    assert!(pool.state.take_expired(since + PARK_AFTER).is_empty());
    assert_eq!((pool.state.take_expired(expiry).len(), pool.counts()), (1, (0, 0, 0)));
    assert_eq!(pool.state.tend(expiry), None);
}

#[test]
fn a_closed_pool_keeps_nothing() {
    let mut pool = Pool::new(|_| ());
    pool.connect_idle(&plain());
    pool.decide(&secure());
    let (id, http2) = pool.share(&secure(), Some(9));
    pool.state.closed = true;
    assert_eq!((pool.state.take_all_idle().len(), pool.counts()), (1, (1, 0, 0)));
    http2.streams.set(0);
    assert!(pool.state.end_stream(&secure(), id, None, &pool.config).is_some());
    assert_eq!(pool.counts(), (0, 0, 0));
}

#[test]
fn a_shared_connection_that_is_too_old_takes_no_further_stream_and_ends_with_its_last_one() {
    let mut pool = Pool::new(|config| config.max_age = Some(Duration::ZERO));
    pool.decide(&secure());
    let (id, http2) = pool.share(&secure(), Some(9));
    assert_eq!(pool.word(&secure()), "connect for all");
    assert_eq!(pool.counts(), (2, 0, 0));
    http2.streams.set(0);
    let closing = pool.state.end_stream(&secure(), id, None, &pool.config);
    assert!(matches!(closing, Some(Closing::Shared(_))));
    assert_eq!(pool.counts(), (1, 0, 0));
}

#[test]
fn an_idle_shared_connection_is_kept_no_longer_than_it_may_serve() {
    let hour = Duration::from_secs(3600);
    let mut pool = Pool::new(|config| config.max_age = Some(hour));
    pool.decide(&secure());
    let before = Instant::now();
    let (id, http2) = pool.share(&secure(), Some(9));
    assert_eq!(pool.word(&secure()), format!("stream on {id}"));
    http2.streams.set(0);
    let later = before + 2 * hour;
    assert!(pool.state.end_stream(&secure(), id, Some(later), &pool.config).is_none());
    assert!(pool.state.tend(before).is_some_and(|until| until < later));
    assert_eq!(pool.state.take_expired(before + hour / 2).len(), 0);
    assert_eq!(pool.state.take_expired(later).len(), 1);
}

#[test]
fn what_is_available_to_a_request() {
    let mut pool = Pool::new(|_| {});
    assert_eq!(pool.state.available(&plain()), 0);
    pool.connect_idle(&plain());
    pool.decide(&plain());
    pool.put_idle(&plain(), None);
    assert!(matches!(pool.state.decide_new(&plain(), &pool.config, false), Decision::Connect { .. }));
    pool.put_idle(&plain(), None);
    assert_eq!(pool.state.available(&plain()), 2, "the idle ones");
    assert!(matches!(pool.decide(&secure()), Decision::Connect { .. }));
    assert_eq!(pool.state.available(&secure()), 0, "one that is being made");
    let (_, http2) = pool.share(&secure(), Some(1));
    assert_eq!(pool.state.available(&secure()), usize::MAX, "one for all");
    http2.retire();
    assert_eq!(pool.state.available(&secure()), 0, "one that takes no more");
}

#[test]
fn a_new_connection_waits_where_a_request_would() {
    let mut pool = Pool::new(|config| config.max_connections_per_origin = Some(1));
    pool.connect_idle(&plain());
    assert!(matches!(pool.state.decide_new(&plain(), &pool.config, false), Decision::Wait(WaitFor::Slot)));
    assert!(matches!(pool.decide(&secure()), Decision::Connect { .. }));
    let decision = pool.state.decide_new(&secure(), &pool.config, false);
    assert!(matches!(decision, Decision::Wait(WaitFor::Connection)), "that may be one for all");
}

#[test]
fn after_drain_nothing_of_before_serves() {
    let mut pool = Pool::new(|_| {});
    pool.connect_idle(&plain());
    pool.decide(&secure());
    let (id, http2) = pool.share(&secure(), Some(10));
    let before = pool.state.generation;
    assert_eq!(pool.state.drain().len(), 1, "what is idle is closed");
    assert_ne!(pool.state.generation, before);
    assert_eq!((pool.state.open, pool.state.idle), (1, 0), "what is in use goes on");
    assert!(matches!(pool.decide(&secure()), Decision::Connect { .. }), "and takes no more");
    http2.streams.set(0);
    assert!(matches!(pool.state.end_stream(&secure(), id, None, &pool.config), Some(Closing::Shared(_))));
}

#[test]
fn a_new_connection_expects_to_take_what_the_last_one_took() {
    let mut pool = Pool::new(|_| {});
    pool.decide(&secure());
    let (id, first) = pool.share(&secure(), Some(100));
    assert_eq!(first.expected.get(), None);
    first.taken.set(Some(20));
    first.retire();

    pool.decide(&secure());
    let (_, second) = pool.share(&secure(), Some(100));
    assert_eq!(second.expected.get(), Some(20), "while that one is there");
    assert!(pool.state.unshare(&secure(), id).is_some());
    second.retire();
    pool.decide(&secure());
    let (id, third) = pool.share(&secure(), Some(100));
    assert_eq!(third.expected.get(), Some(20), "and when it has gone");

    third.streams.set(0);
    assert!(pool.state.end_stream(&secure(), id, None, &pool.config).is_none());
    third.retire();
    pool.decide(&secure());
    let (_, fourth) = pool.share(&secure(), Some(100));
    assert_eq!(fourth.expected.get(), None, "one has gone on behind its streams");
}

#[test]
fn a_connection_that_no_request_asked_for_enters_where_there_is_room() {
    let mut pool = Pool::new(|config| {
        config.max_connections = Some(3);
        config.max_connections_per_origin = Some(2);
    });
    pool.decide(&plain());
    assert!(pool.state.enter(&plain(), &pool.config));
    assert!(!pool.state.enter(&plain(), &pool.config), "the origin has two");
    assert!(pool.state.enter(&secure(), &pool.config));
    assert!(!pool.state.enter(&secure(), &pool.config), "there are three");
    assert_eq!((pool.state.open, pool.state.open_of(&plain()), pool.state.open_of(&secure())), (3, 2, 1));
    pool.state.leave(&plain());
    assert!(pool.state.enter(&plain(), &pool.config));
}
