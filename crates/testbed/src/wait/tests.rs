//! Waiting, on a clock that only moves when everybody waits.

use std::convert::Infallible;
use std::io;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;

type Look = Probe<u8, Infallible>;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn takes_no_time_when_the_condition_holds() {
    let begun = Instant::now();
    let found = until(&Deadline::after(secs(1)), "seven", || async { Look::Ready(7) }).await;
    assert_eq!(found.unwrap(), 7);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_repeats_the_last_reason_and_says_how_long_and_how_often() {
    let mut looks = 0;
    let probe = || {
        looks += 1;
        let reason = format!("seen {looks} times");
        async move { Look::NotYet(reason) }
    };
    let error = until(&Deadline::after(secs(1)), "order in Jaeger", probe)
        .await
        .unwrap_err();
    let WaitError::TimedOut {
        what,
        waited,
        probes,
        last,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (what.as_str(), *waited, *probes),
        ("order in Jaeger", secs(1), looks)
    );
    assert_eq!(*last, Some(format!("seen {looks} times")));
    let text = format!("order in Jaeger: not there after 1 s ({looks} looks): seen {looks} times");
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_from_one_to_fifty_milliseconds() {
    let mut looks = Vec::new();
    let probe = || {
        looks.push(Instant::now());
        async { Look::not_yet("no") }
    };
    until(&Deadline::after(secs(2)), "never", probe)
        .await
        .unwrap_err();
    let pauses: Vec<u128> = looks
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect();
    assert!(pauses[0] <= 2, "{pauses:?}");
    assert!(pauses.is_sorted_by(|one, next| *next + 1 >= *one), "{pauses:?}");
    assert!((49..=51).contains(pauses.last().unwrap()), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn another_pace_is_kept() {
    let pace = Pace {
        first: secs(1),
        longest: secs(1),
    };
    let probe = || async { Look::not_yet("no") };
    let error = until_paced(&Deadline::after(secs(10)), "never", pace, probe)
        .await
        .unwrap_err();
    assert!(matches!(error, WaitError::TimedOut { probes: 10, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_is_given_up_with_the_deadline() {
    let probe = std::future::pending::<Look>;
    let error = until(&Deadline::after(secs(3)), "an answer", probe)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "an answer: not there after 3 s (1 look): the first look did not come back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_later_look_that_hangs_keeps_the_reason_of_the_one_before() {
    let mut first = true;
    let probe = || {
        let hang = !std::mem::take(&mut first);
        async move {
            if hang {
                std::future::pending().await
            } else {
                Look::not_yet("connection refused")
            }
        }
    };
    let error = until(&Deadline::after(secs(3)), "an answer", probe)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("connection refused; the last look had been under way for 2.9 s"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_probe_ends_the_wait_at_once_and_keeps_its_source() {
    let begun = Instant::now();
    let probe = || async { Probe::<(), _>::Broken(io::Error::other("no such service")) };
    let error = until(&Deadline::after(secs(3)), "an answer", probe)
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(crate::explain::chain(&error), "an answer: no such service");
    assert!(matches!(error, WaitError::Broken { .. }));
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_wait_at_once() {
    let cancel = CancellationToken::new();
    let deadline = Deadline::new(&Clock::start(), secs(3600), cancel.clone());
    let mut looks = 0;
    let probe = || {
        looks += 1;
        if looks == 3 {
            cancel.cancel();
        }
        async { Look::not_yet("nothing there") }
    };
    let begun = Instant::now();
    let error = until(&deadline, "order", probe).await.unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_millis(50),
        "{:?}",
        begun.elapsed()
    );
    let WaitError::Cancelled { last, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(last.as_deref(), Some("nothing there"));
    assert_eq!(error.class(), Class::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn looking_goes_on_while_time_is_held_and_the_limit_waits() {
    let clock = Clock::start();
    let deadline = Deadline::new(&clock, secs(1), CancellationToken::new());
    let begun = Instant::now();
    let mut hold = Some(clock.hold());
    let probe = || {
        if begun.elapsed() > secs(60) {
            hold.take();
        }
        async { Look::not_yet("at a breakpoint") }
    };
    let error = until(&deadline, "an answer", probe).await.unwrap_err();
    assert!(begun.elapsed() >= secs(61), "{:?}", begun.elapsed());
    assert!(
        matches!(error, WaitError::TimedOut { waited, probes, .. } if waited == secs(1) && probes > 1000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_within_another_never_outlives_it() {
    let outer = Deadline::after(secs(2));
    let inner = outer.within(secs(60));
    assert_eq!(inner.limit(), secs(2));
    assert_eq!(outer.within(secs(1)).remaining(), secs(1));
    assert_eq!(inner.ended().await, Over::Elapsed);
    assert_eq!(outer.over(), Some(Over::Elapsed));
}
