//! Some hundred runs: the same ones each time, and as many that nobody has seen before.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use hamok_simulation::{Detail, Profile, Report, run};

const KNOWN_SEEDS: u64 = 120;
const NEW_SEEDS: u64 = 120;
/// Found something once.
const NOTABLE_SEEDS: [u64; 16] = [
    40_476, 8_007_528, 9_003_638, 9_003_856, 9_100_723, 23_009_139, 23_009_884, 24_000_643, 24_002_524, 28_000_525,
    31_005_209, 43_001_982, 44_009_539, 46_000_051, 47_003_612, 48_016_747,
];
const NOTABLE_SEEDS_OF_EVERYTHING: [u64; 8] = [20_061, 20_132, 20_664, 20_799, 20_972, 80_225, 81_071, 21_000_099];

/// Runs seeds on all cores; gives the runs that violated something.
fn failures(seeds: &[u64], profile: Option<Profile>) -> Vec<Report> {
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, |it| it.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let report = run(*seed, profile, Detail::Sum);
                    if report.violation.is_some() {
                        failed.lock().unwrap().push(report);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

fn expect_no_failure(seeds: &[u64], profile: Option<Profile>) {
    let failures = failures(seeds, profile);
    let option = profile.map_or(String::new(), |profile| format!(" --profile {}", profile.name()));
    for Report { seed, profile, violation, .. } in &failures {
        let violation = violation.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("seed {seed}, {}: {violation}", profile.name());
        println!("repeat: cargo run --release --bin simulate -- --seed {seed}{option} --trace");
    }
    if let Some(first) = failures.first() {
        run(first.seed, profile, Detail::Tail).lines.iter().for_each(|line| println!("{line}"));
    }
    assert!(failures.is_empty(), "{} of {} seeds failed", failures.len(), seeds.len());
}

#[test]
fn nothing_that_must_hold_is_violated_in_known_runs() {
    let seeds: Vec<u64> = (1..=KNOWN_SEEDS).chain(NOTABLE_SEEDS).collect();
    expect_no_failure(&seeds, None);
    expect_no_failure(&NOTABLE_SEEDS_OF_EVERYTHING, Some(Profile::Everything));
}

#[test]
fn nothing_that_must_hold_is_violated_in_new_runs() {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
    let first = now % 1_000_000_000;
    println!("seeds from {first}");
    expect_no_failure(&(first..first + NEW_SEEDS).collect::<Vec<_>>(), None);
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
