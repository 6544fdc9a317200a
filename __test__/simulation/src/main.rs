//! Runs seeds until one fails.
//!
//!     cargo run --release --bin simulate -- --seeds 10000
//!     cargo run --release --bin simulate -- --seed 17 --trace
//!
//! - `--seeds N`: how many (1000); `--from S`: the first one, otherwise a random one
//! - `--seed S`: this one alone; `--trace`: with all that happens
//! - `--profile NAME`: calm, lossy, partitions, crashes, churn, rolling, blocked, store or everything; otherwise each
//!   seed draws its own
//! - `--jobs N`: threads; otherwise one for each core
//! - `--keep-going`: does not stop at the first failure
//! - `--list`: prints a line for each run
//! - `--mutation NAME`: with this bug of `src/mutation.rs` planted
//! - `--mutations`: each of them in turn, until a seed finds it

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use hamok::mutation::Mutation;
use hamok_simulation::{Detail, Profile, Report, run_with};
use indicatif::{ProgressBar, ProgressStyle};

struct Arguments {
    first: u64,
    count: u64,
    trace: bool,
    profile: Option<Profile>,
    jobs: u64,
    keep_going: bool,
    list: bool,
    mutation: Option<Mutation>,
    all_mutations: bool,
}

fn main() -> ExitCode {
    match arguments() {
        Ok(arguments) if arguments.all_mutations => find_mutations(&arguments),
        Ok(arguments) => simulate(&arguments),
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, String> {
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_nanos() as u64);
    let jobs = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    // Short enough to be typed.
    let first = now / 1_000 % 1_000_000_000;
    let mut arguments = Arguments {
        first,
        count: 1_000,
        trace: false,
        profile: None,
        jobs,
        keep_going: false,
        list: false,
        mutation: None,
        all_mutations: false,
    };
    let mut given = std::env::args().skip(1);
    while let Some(option) = given.next() {
        let mut value = || given.next().ok_or(format!("{option} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text} is not a number"));
        match option.as_str() {
            "--seeds" => arguments.count = number(value()?)?,
            "--from" => arguments.first = number(value()?)?,
            "--seed" => (arguments.first, arguments.count) = (number(value()?)?, 1),
            "--jobs" => arguments.jobs = number(value()?)?.max(1),
            "--trace" => arguments.trace = true,
            "--keep-going" => arguments.keep_going = true,
            "--list" => arguments.list = true,
            "--mutations" => arguments.all_mutations = true,
            "--mutation" => {
                let name = value()?;
                let found = Mutation::ALL.into_iter().find(|mutation| format!("{mutation:?}") == name);
                arguments.mutation = Some(found.ok_or(format!("there is no mutation {name}"))?);
            }
            "--profile" => {
                let name = value()?;
                arguments.profile = Some(Profile::named(&name).ok_or(format!("there is no profile {name}"))?);
            }
            _ => return Err(format!("unknown option {option}")),
        }
    }
    Ok(arguments)
}

#[derive(Default)]
struct Totals {
    seeds: AtomicU64,
    steps: AtomicU64,
    virtual_ms: AtomicU64,
    failures: AtomicU64,
}

impl Totals {
    fn add(&self, report: &Report) {
        self.seeds.fetch_add(1, Ordering::Relaxed);
        self.steps.fetch_add(report.steps, Ordering::Relaxed);
        self.virtual_ms.fetch_add(report.virtual_ms, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!("{} steps, {} s of virtual time", of(&self.steps), of(&self.virtual_ms) / 1_000)
    }
}

fn simulate(arguments: &Arguments) -> ExitCode {
    let detail = if arguments.trace { Detail::Print } else { Detail::Sum };
    let (next, stop, totals) = (AtomicU64::new(0), AtomicBool::new(false), Totals::default());
    let began = Instant::now();
    println!("seeds from {}", arguments.first);
    let bar = if arguments.count > 1 { ProgressBar::new(arguments.count) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} seeds, {per_sec}, {msg}, {elapsed}") {
        bar.set_style(style);
    }
    let printing = Mutex::new(());
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.min(arguments.count) {
            scope.spawn(|| {
                loop {
                    let offset = next.fetch_add(1, Ordering::Relaxed);
                    if offset >= arguments.count || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let report = run_with(arguments.mutation, arguments.first + offset, arguments.profile, detail);
                    totals.add(&report);
                    bar.inc(1);
                    bar.set_message(totals.text());
                    if arguments.list {
                        bar.suspend(|| println!("{}", line(&report)));
                    }
                    if report.violation.is_some() {
                        totals.failures.fetch_add(1, Ordering::Relaxed);
                        if !arguments.keep_going {
                            stop.store(true, Ordering::Relaxed);
                        }
                        let _printing = printing.lock();
                        bar.suspend(|| explain(&report, arguments));
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    let seeds = totals.seeds.load(Ordering::Relaxed);
    let failures = totals.failures.load(Ordering::Relaxed);
    println!("{seeds} seeds, {failures} failed, {}, {:.1} s", totals.text(), began.elapsed().as_secs_f64());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plants one bug after the other, and tells which seed finds it.
fn find_mutations(arguments: &Arguments) -> ExitCode {
    let next = AtomicU64::new(0);
    let missed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                while let Some(mutation) = Mutation::ALL.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let mut seeds = arguments.first..arguments.first + arguments.count;
                    let found = seeds.find_map(|seed| {
                        let report = run_with(Some(*mutation), seed, arguments.profile, Detail::Sum);
                        report.violation.map(|violation| (seed, violation))
                    });
                    match found {
                        Some((seed, violation)) => {
                            println!("{mutation:?}: after {} seeds, {violation}", seed - arguments.first + 1);
                        }
                        None => {
                            missed.fetch_add(1, Ordering::Relaxed);
                            println!("{mutation:?}: not found in {} seeds", arguments.count);
                        }
                    }
                }
            });
        }
    });
    if missed.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(report: &Report) -> String {
    let Report { seed, profile, peers, steps, virtual_ms, messages, sum, .. } = report;
    let profile = profile.name();
    format!("{seed}: {profile}, {peers} peers, {steps} steps, {messages} messages, {virtual_ms} ms, sum {sum:016x}")
}

fn explain(report: &Report, arguments: &Arguments) {
    println!("{}", line(report));
    let Some(violation) = &report.violation else { return };
    if !arguments.trace && !arguments.keep_going {
        let again = run_with(arguments.mutation, report.seed, arguments.profile, Detail::Tail);
        again.lines.iter().for_each(|line| println!("{line}"));
        if again.sum != report.sum {
            println!("this run went another way the second time: the simulation is not exact");
        }
    }
    let profile = arguments.profile.map_or(String::new(), |profile| format!(" --profile {}", profile.name()));
    println!("violated: {violation}");
    println!("repeat: cargo run --release --bin simulate -- --seed {}{profile} --trace", report.seed);
}
