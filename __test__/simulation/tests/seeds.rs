//! Some hundred runs: the same ones each time, and as many that nobody has seen before.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use hamok_simulation::{Detail, Profile, Report, run};

const KNOWN_SEEDS: u64 = 120;
const NEW_SEEDS: u64 = 120;
/// Known to have taken unusual ways.
const NOTABLE_SEEDS: [u64; 6] = [3, 20, 46, 146, 198, 381];

/// Runs seeds on all cores; gives the runs that violated something.
fn failures(seeds: &[u64]) -> Vec<Report> {
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, |it| it.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let report = run(*seed, None, Detail::Sum);
                    if report.violation.is_some() {
                        failed.lock().unwrap().push(report);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

fn expect_no_failure(seeds: &[u64]) {
    let failures = failures(seeds);
    for Report { seed, profile, violation, .. } in &failures {
        let violation = violation.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("seed {seed}, {}: {violation}", profile.name());
        println!("repeat: cargo run --release --bin simulate -- --seed {seed} --trace");
    }
    if let Some(first) = failures.first() {
        run(first.seed, None, Detail::Tail).lines.iter().for_each(|line| println!("{line}"));
    }
    assert!(failures.is_empty(), "{} of {} seeds failed", failures.len(), seeds.len());
}

#[test]
fn nothing_that_must_hold_is_violated_in_known_runs() {
    let seeds: Vec<u64> = (1..=KNOWN_SEEDS).chain(NOTABLE_SEEDS).collect();
    expect_no_failure(&seeds);
}

#[test]
fn nothing_that_must_hold_is_violated_in_new_runs() {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
    let first = now % 1_000_000_000;
    println!("seeds from {first}");
    expect_no_failure(&(first..first + NEW_SEEDS).collect::<Vec<_>>());
}

#[test]
fn a_seed_does_the_same_again() {
    for (seed, profile) in (1_000..).zip(Profile::ALL) {
        let (first, second) = (run(seed, Some(profile), Detail::Sum), run(seed, Some(profile), Detail::Tail));
        assert_eq!(first.sum, second.sum, "seed {seed}, {}", profile.name());
        assert_eq!((first.steps, first.messages), (second.steps, second.messages));
        let other = run(seed + 1_000, Some(profile), Detail::Sum);
        assert_ne!(first.sum, other.sum);
    }
}
