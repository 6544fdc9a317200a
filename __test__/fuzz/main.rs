//! Bytes from outside, whoever wrote them: every decoder reads or refuses them, and allocates no more than they justify.
//!
//! The targets of `fuzz/`, on its corpus and on what a fixed sequence of random numbers makes of it.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod mutations;
mod seeds;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use fuzz::Target;
use mutations::Mutator;

/// Another one, as `HAMOK_FUZZ_SEED`, makes other inputs.
const SEED: u64 = 1;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name)
}

/// In the order of their names.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(target)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs one input; what went wrong is already on stderr.
fn run(target: &Target, bytes: &[u8], which: &str) {
    let run = panic::catch_unwind(AssertUnwindSafe(|| target.run(bytes)));
    let hex = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(run.is_ok(), "{which} of {} failed; its bytes: {}", target.name, hex());
}

fn check(target: &Target, runs: u64) {
    let (seed, runs) = (from_environment("HAMOK_FUZZ_SEED", SEED), from_environment("HAMOK_FUZZ_RUNS", runs));
    println!("to repeat: HAMOK_FUZZ_SEED={seed} HAMOK_FUZZ_RUNS={runs} cargo test --test fuzz {}", target.name);
    let corpus = corpus(target);
    for (number, bytes) in corpus.iter().enumerate() {
        run(target, bytes, &format!("file {number}"));
        for inflated in mutations::inflated(bytes) {
            run(target, &inflated, &format!("an inflation of file {number}"));
        }
    }
    let mut mutator = Mutator::new(seed);
    for number in 0..runs {
        run(target, &mutator.mutate(&corpus), &format!("mutation {number} with seed {seed}"));
    }
}

macro_rules! targets {
    ($($name:ident: $target:ident, $runs:expr;)*) => {
        const TARGETS: &[Target] = &[$(fuzz::$target),*];

        $(#[test]
        fn $name() {
            check(&fuzz::$target, $runs);
        })*
    };
}

// A few seconds for each of them.
targets! {
    payload: PAYLOAD, 40_000;
    transfers: TRANSFERS, 40_000;
    packet: PACKET, 100_000;
    command: COMMAND, 40_000;
    log: LOG, 4_000;
    raft_request: RAFT_REQUEST, 150_000;
    raft_response: RAFT_RESPONSE, 150_000;
    snapshot: SNAPSHOT, 20_000;
    calls: CALLS, 100_000;
}

/// Messages of every kind are where mutations begin. To write them anew: `HAMOK_WRITE_SEEDS=1 cargo test --test fuzz seeds`.
#[test]
fn seeds_are_in_the_corpus() {
    for target in TARGETS {
        for (name, bytes) in seeds::of(target.name) {
            let file = folder(target).join(format!("seed-{name}"));
            if std::env::var_os("HAMOK_WRITE_SEEDS").is_some() {
                fs::create_dir_all(folder(target)).unwrap();
                fs::write(&file, &bytes).unwrap();
            }
            assert!(fs::read(&file).ok() == Some(bytes), "{} is not what it was; see above", file.display());
        }
    }
}
