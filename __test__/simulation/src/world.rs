//! A run: processes, network, store and faults, step by step in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use hamok::config::{Options, QuorumLoss};
use hamok::mutation::{self, Mutation};
use hamok::node::StatusReport;

use crate::client::Surroundings;
use crate::facade::{Event, Kind, MAP, Place, Settlement};
use crate::faults::{self, Fault, Profile, Return};
use crate::happenings::Action;
use crate::invariants::{self, Invariant, Violation};
use crate::network::{Cut, Message, Network};
use crate::panics;
use crate::process::{Condition, Process, Stage};
use crate::random::Rng;
use crate::scene::Scene;
use crate::store::{Store, StoreReply, Trouble};
use crate::told::Told;
use crate::trace::{Detail, Trace};
use hamok::wire::command::{MapOperation, Operation};

/// The longest that peers may take to find one another in the beginning.
const START_LIMIT_MS: u64 = 30_000;
/// So many peers, or more, may begin as two grids.
const FEWEST_APART: usize = 4;
/// So many peers may lead in the beginning.
const FEWEST_ELECTABLE: usize = 2;
/// Clients go on for this time once faults have ended.
const AFTERGLOW_MS: u64 = 1_500;
/// The longest that it may take until all is at rest again.
const REST_LIMIT_MS: u64 = 60_000;
const PROBE_TIMEOUT_MS: u64 = 5_000;

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    pub seed: u64,
    pub profile: Profile,
    pub peers: usize,
    pub steps: u64,
    pub virtual_ms: u64,
    pub messages: u64,
    /// Sums up all that happened.
    pub sum: u64,
    pub violation: Option<Violation>,
    /// The last lines of the trace, if they were wanted.
    pub lines: Vec<String>,
}

/// What waits for a process whose event loop does not turn.
#[derive(Default)]
pub struct Inbox {
    messages: Vec<Message>,
    answers: Vec<StoreReply>,
}

pub struct World {
    pub scene: Scene,
    pub trace: Trace,
    pub rng: Rng,
    pub options: Options,
    /// How the store is when nothing is wrong with it.
    pub store_at_best: Trouble,
    /// Whether there may be, or may have been, more grids than one: the peers began apart, or one of two died, or those
    /// who are left go on without a majority.
    pub several_grids: bool,
    /// Whether crashes come together, the leader's last, until half of the voters are left.
    pub halves: bool,
    /// Peers that never lead.
    pub only_followers: BTreeSet<String>,
    pub agenda: BTreeMap<(u64, u64), Action>,
    planned: u64,
    pub inboxes: Vec<Inbox>,
    pub cuts: BTreeSet<u64>,
    pub last_cut: u64,
    pub last_peer: u32,
    pub returns: BTreeMap<usize, Return>,
    invariants: Vec<Box<dyn Invariant>>,
    events: Vec<Event>,
    steps: u64,
    /// The peers' threads run for this long at a time.
    stride_ms: u64,
    clients_work: bool,
    status_sums: Vec<(u64, u64, bool, Option<u64>)>,
}

/// Runs a seed; a profile that is not given is drawn.
pub fn run(seed: u64, profile: Option<Profile>, detail: Detail) -> Report {
    run_with(None, seed, profile, detail)
}

/// Runs a seed with a bug that is planted on purpose.
pub fn run_with(mutation: Option<Mutation>, seed: u64, profile: Option<Profile>, detail: Detail) -> Report {
    mutation::plant(mutation);
    panics::catch();
    let _ = panics::take();
    let mut rng = Rng::new(seed);
    let drawn = Profile::drawn(&mut rng);
    let mut peers = *rng.pick(&[2, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7, 9]);
    let mut world = World::new(&mut rng, detail);
    world.draw_habits(seed, &mut peers);
    let profile = profile.unwrap_or(if world.halves { Profile::Crashes } else { drawn });
    let violation = world.live(profile, peers, &mut rng).err();
    if let Some(violation) = &violation {
        world.trace.line(world.scene.now_ms, "world", format_args!("VIOLATED {violation}"));
        world.describe();
    }
    Report {
        seed,
        profile,
        peers,
        steps: world.steps,
        virtual_ms: world.scene.now_ms,
        messages: world.scene.network.sent(),
        sum: world.trace.sum(),
        violation,
        lines: world.trace.into_lines(),
    }
}

impl World {
    fn new(rng: &mut Rng, detail: Detail) -> Self {
        let follower_max_idle_ms = *rng.pick(&[300, 500, 1_000, 1_000]);
        let options = Options {
            peer_id: String::new(),
            election_timeout_ms: follower_max_idle_ms * rng.between(2, 3),
            follower_max_idle_ms,
            heartbeat_ms: (follower_max_idle_ms / *rng.pick(&[4, 8, 10])).max(50),
            only_follower: false,
            log_entries_expiration_ms: *rng.pick(&[0, 1_500, 5_000, 300_000]),
            progress_period_ms: 1_000,
            min_peers: 2,
            quorum_loss: *rng.pick(&[QuorumLoss::Reform, QuorumLoss::Reform, QuorumLoss::Wait]),
            max_command_bytes: 1 << 20,
        };
        // Where it is slow, operations wait on a leader that is cut off.
        let slow = Trouble { delay_ms: (50, rng.between(200, 600)), ..Trouble::none() };
        let store_at_best = if rng.chance(500) { slow } else { Trouble::none() };
        let mut store = Store::new(rng.fork());
        store.trouble = store_at_best.clone();
        let scene = Scene {
            now_ms: 0,
            processes: Vec::new(),
            network: Network::new(rng.fork()),
            store,
            ledger: Default::default(),
            healed_ms: None,
            probing: false,
            acknowledged: BTreeMap::new(),
        };
        Self {
            scene,
            trace: Trace::new(detail),
            rng: rng.fork(),
            options,
            store_at_best,
            several_grids: false,
            halves: false,
            only_followers: BTreeSet::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            inboxes: Vec::new(),
            cuts: BTreeSet::new(),
            last_cut: 0,
            last_peer: 0,
            returns: BTreeMap::new(),
            invariants: invariants::all(),
            events: Vec::new(),
            steps: 0,
            stride_ms: rng.between(2, 8),
            clients_work: true,
            status_sums: Vec::new(),
        }
    }

    /// Options that few users choose, and disasters that few of them see. Drawn apart from all else: a seed that draws none
    /// of them runs as it would without.
    fn draw_habits(&mut self, seed: u64, peers: &mut usize) {
        let mut rng = Rng::new(!seed);
        let options = &mut self.options;
        match rng.below(8) {
            0 => (options.quorum_loss, self.several_grids) = (QuorumLoss::Available, true),
            1 => (options.min_peers, self.several_grids) = (1, true),
            2 | 3 => {
                let most = peers.saturating_sub(FEWEST_ELECTABLE) as u64;
                self.only_followers =
                    (0..rng.between(0, most)).map(|_| format!("p{}", rng.below(*peers as u64))).collect();
            }
            // Of an even number, half can be left; of more than two, these do not know all that was acknowledged.
            4 => (*peers, self.halves) = (*rng.pick(&[4, 4, 6]), true),
            _ => {}
        }
    }

    /// What each peer takes for true.
    fn describe(&mut self) {
        for process in self.scene.processes.iter().filter(|it| it.is_up()) {
            let (stage, condition, status) = (process.stage, process.condition, process.status());
            let text = format!("{stage:?} {condition:?} node {:x} grid {:x}", status.node, status.grid);
            self.trace.line(self.scene.now_ms, &process.name, format_args!("{text}"));
            let Some(view) = process.view() else { continue };
            let members: Vec<_> = view.members.iter().map(|(node, it)| format!("{}={node:x}", it.peer_id)).collect();
            let voters: Vec<_> = view.voters.iter().map(|node| format!("{node:x}")).collect();
            let role = if view.leads {
                "leads"
            } else if view.candidate {
                "stands"
            } else {
                "follows"
            };
            let (term, leader, last, commit) = (view.term, view.leader, view.last_log_index, view.commit_index);
            let (members, voters) = (members.join(" "), voters.join(" "));
            self.trace.line(
                self.scene.now_ms,
                &process.name,
                format_args!(
                    "{role} in term {term}, leader {leader:x?}, log {last}, committed {commit:?}, members {members}, \
                     voters {voters}, quorum {:?} ago",
                    process.quorum_age()
                ),
            );
        }
    }

    pub fn plan(&mut self, at_ms: u64, action: Action) {
        self.planned += 1;
        self.agenda.insert((at_ms, self.planned), action);
    }

    fn live(&mut self, profile: Profile, peers: usize, rng: &mut Rng) -> Result<(), Violation> {
        self.trace.line(0, "world", format_args!("{profile:?} {:?}", self.options));
        for index in 0..peers {
            let at_ms = rng.below(400);
            self.plan(at_ms, Action::Start(format!("p{index}")));
        }
        if peers >= FEWEST_APART && rng.chance(80) {
            self.begin_apart(peers, rng);
        }
        self.turns_until("all peers come together", START_LIMIT_MS, |world| {
            world.scene.processes.len() == peers && world.scene.processes.iter().all(|it| it.is_settled())
        })?;
        let from_ms = self.scene.now_ms;
        let until_ms = from_ms + rng.between(6_000, 14_000);
        for (at_ms, fault) in faults::schedule(profile, from_ms, until_ms, rng) {
            // Whoever is to be replaced needs some time to be so.
            let again = matches!(fault, Fault::Replace(_)) && profile == Profile::Rolling;
            self.plan(at_ms, Action::Begin(fault.clone()));
            if again {
                self.plan(at_ms + 700, Action::Begin(fault));
            }
        }
        while self.scene.now_ms < until_ms {
            self.turn()?;
        }
        self.heal();
        let healed_ms = self.scene.now_ms;
        while self.scene.now_ms < healed_ms + AFTERGLOW_MS {
            self.turn()?;
        }
        self.clients_work = false;
        self.rest()?;
        self.probe()?;
        self.rest()?;
        for invariant in &mut self.invariants {
            invariant.conclude(&self.scene).map_err(|text| Violation::new(invariant.name(), text))?;
        }
        Ok(())
    }

    /// Whether a grid has lost its majority for good, and is to wait for the operator.
    pub fn waits_for_the_dead(&self) -> bool {
        let up = || self.scene.processes.iter().filter(|it| it.is_up());
        let alive: BTreeSet<_> = up().map(|it| it.status().node).collect();
        let mut views = up().filter_map(Process::view);
        let waits = matches!(self.options.quorum_loss, QuorumLoss::Wait);
        waits && views.any(|view| 2 * view.voters.intersection(&alive).count() <= view.voters.len())
    }

    /// Two groups of peers that do not hear each other when they start: each makes a grid, and these have to become one.
    fn begin_apart(&mut self, peers: usize, rng: &mut Rng) {
        let first = rng.between(2, peers as u64 - 2);
        let group = (0..first).map(|index| format!("p{index}")).collect();
        self.several_grids = true;
        // Not among the cuts that peers wait for before they start.
        self.scene.network.cut(0, Cut::Group(group));
        self.plan(rng.between(1_000, 5_000), Action::Mend(0));
    }

    fn rest(&mut self) -> Result<(), Violation> {
        self.turns_until("all peers come together", REST_LIMIT_MS, |world| {
            world.agenda.is_empty() && world.scene.unsettled().is_none()
        })
    }

    /// Everybody asks for something that cannot fail.
    fn probe(&mut self) -> Result<(), Violation> {
        self.scene.probing = true;
        let (now_ms, seen) = (self.scene.now_ms, self.acknowledged());
        for process in self.scene.processes.iter_mut().filter(|it| it.is_up()) {
            let facade = &mut process.facade;
            let id = facade.next_id();
            let entry = (b"probe".as_slice().into(), id.blob());
            let operation = Operation::Map { collection: "map".into(), operation: MapOperation::SetAll(vec![entry]) };
            facade.submit(now_ms, PROBE_TIMEOUT_MS, Some(id), Kind::Write(MAP), operation);
            facade.barrier(now_ms, PROBE_TIMEOUT_MS, Some(4), seen.clone());
        }
        self.turns_until("promises settle", 2 * PROBE_TIMEOUT_MS, |world| {
            world.scene.processes.iter().all(|it| it.facade.requests.is_empty())
        })
    }

    fn turns_until(
        &mut self,
        what: &'static str,
        limit_ms: u64,
        is_so: impl Fn(&Self) -> bool,
    ) -> Result<(), Violation> {
        let began_ms = self.scene.now_ms;
        loop {
            // Looked at now and then: it is not cheap.
            for _ in 0..10 {
                self.turn()?;
            }
            if is_so(self) {
                return Ok(());
            }
            if self.scene.now_ms > began_ms + limit_ms {
                let why = self.scene.unsettled().unwrap_or_else(|| format!("the agenda is {:?}", self.agenda));
                return Err(Violation::new(what, format!("not within {limit_ms} ms: {why}")));
            }
        }
    }

    /// One turn of every event loop and thread.
    fn turn(&mut self) -> Result<(), Violation> {
        self.act_as_planned();
        self.deliver();
        self.turn_event_loops();
        let now_ms = self.scene.now_ms + self.stride_ms;
        self.scene.now_ms = now_ms;
        for index in 0..self.scene.processes.len() {
            let process = &self.scene.processes[index];
            if !process.is_up() || process.condition == Condition::Stopped {
                continue;
            }
            process.run_until(now_ms);
            if process.is_well() {
                self.fetch(index);
                self.hear(index);
            }
        }
        self.judge()
    }

    fn act_as_planned(&mut self) {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= self.scene.now_ms
        {
            let action = entry.remove();
            self.steps += 1;
            self.act(action);
        }
    }

    fn deliver(&mut self) {
        for message in self.scene.network.arrived(self.scene.now_ms) {
            if let Some(index) = self.scene.process_of(&message.to) {
                self.inboxes[index].messages.push(message);
            }
        }
        for answer in self.scene.store.turn(self.scene.now_ms) {
            self.inboxes[answer.process].answers.push(answer);
        }
    }

    fn acknowledged(&self) -> Vec<(u64, u64)> {
        self.scene.acknowledged.iter().map(|(grid, index)| (*grid, *index)).collect()
    }

    fn turn_event_loops(&mut self) {
        let now_ms = self.scene.now_ms;
        let acknowledged = self.acknowledged();
        let peer_ids: BTreeSet<String> =
            self.scene.processes.iter().filter(|it| it.is_up()).map(|it| it.peer_id.clone()).collect();
        for index in 0..self.scene.processes.len() {
            if !self.scene.processes[index].is_well() {
                continue;
            }
            let Inbox { messages, answers } = std::mem::take(&mut self.inboxes[index]);
            let process = &mut self.scene.processes[index];
            for Message { from, payload, .. } in messages {
                self.steps += 1;
                let (bytes, sum) = (payload.len(), crc32fast::hash(&payload));
                self.trace.line(now_ms, &process.name, format_args!("< {from} {bytes} {sum:08x}"));
                process.peer.accept(from, payload);
            }
            for answer in answers {
                self.steps += 1;
                process.facade.store_answered(now_ms, &answer, &mut self.scene.store);
            }
            process.facade.turn(now_ms, &mut self.scene.store);
            if self.clients_work && process.stage == Stage::Up {
                let others: Vec<String> = peer_ids.iter().filter(|it| **it != process.peer_id).cloned().collect();
                let world = Surroundings { now_ms, others: &others, acknowledged: &acknowledged };
                process.client.turn(&mut process.facade, &world);
            }
            process.beat(now_ms);
            let calls = std::mem::take(&mut process.facade.calls);
            calls.into_iter().for_each(|call| process.peer.call(call));
            self.take_events(index);
        }
    }

    /// The event loop takes what its peer sends.
    pub fn fetch(&mut self, index: usize) {
        let now_ms = self.scene.now_ms;
        let from = self.scene.processes[index].peer_id.clone();
        let outgoing = self.scene.processes[index].with_peer(|peer| peer.outgoing());
        for message in outgoing {
            let to: Vec<String> = if message.destination.is_empty() {
                let others = self.scene.processes.iter().filter(|it| it.is_up() && it.peer_id != from);
                others.map(|it| it.peer_id.clone()).collect()
            } else {
                vec![message.destination]
            };
            for to in to {
                self.scene.network.send(now_ms, Message { from: from.clone(), to, payload: message.payload.clone() });
            }
        }
    }

    /// The event loop takes what its peer tells.
    pub fn hear(&mut self, index: usize) {
        let now_ms = self.scene.now_ms;
        let process = &mut self.scene.processes[index];
        let StatusReport { grid, .. } = process.status();
        let place = Place { grid, epoch: process.peer.with_state(|state| state.lineage().epoch()) };
        let mut has_left = false;
        for told in process.recorder.take() {
            self.steps += 1;
            self.trace.line(now_ms, &process.name, format_args!("> {told:?}"));
            has_left |= matches!(told, Told::Left);
            process.facade.hear(now_ms, told, place, &mut self.scene.store);
        }
        self.take_events(index);
        if has_left && self.scene.processes[index].stage == Stage::Leaving {
            self.left(index);
        }
    }

    pub fn take_events(&mut self, index: usize) {
        let now_ms = self.scene.now_ms;
        let process = &mut self.scene.processes[index];
        for event in std::mem::take(&mut process.facade.events) {
            match &event {
                Event::Asked { request, .. } => {
                    self.steps += 1;
                    self.trace.line(now_ms, &process.name, format_args!("? {request:?}"));
                }
                Event::Settled { request, settlement, .. } => {
                    let (token, id) = (request.token, request.id);
                    self.trace.line(now_ms, &process.name, format_args!("= {token} {id:?} {settlement:?}"));
                }
                Event::Heard { event, .. } => {
                    self.trace.line(now_ms, &process.name, format_args!("heard {event}"));
                }
                Event::Ordered { stamp, .. } => {
                    self.trace.line(now_ms, &process.name, format_args!("executes {stamp:?}"));
                }
                Event::Read { token, value, .. } => {
                    self.trace.line(now_ms, &process.name, format_args!("reads {value:?} after {token}"));
                }
                Event::Told { .. } => {}
            }
            self.events.push(event);
        }
    }

    /// Looks at all that the last turn has done.
    fn judge(&mut self) -> Result<(), Violation> {
        self.read_logs()?;
        for stamp in std::mem::take(&mut self.scene.store.called) {
            for invariant in &mut self.invariants {
                invariant.called(&stamp, &self.scene).map_err(|text| Violation::new(invariant.name(), text))?;
            }
        }
        for written in std::mem::take(&mut self.scene.store.written) {
            self.steps += 1;
            self.trace.line(self.scene.now_ms, "store", format_args!("{written:?}"));
            for invariant in &mut self.invariants {
                invariant.written(&written, &self.scene).map_err(|text| Violation::new(invariant.name(), text))?;
            }
        }
        for event in std::mem::take(&mut self.events) {
            for invariant in &mut self.invariants {
                invariant.observe(&event, &self.scene).map_err(|text| Violation::new(invariant.name(), text))?;
            }
            self.react(&event);
        }
        for invariant in &mut self.invariants {
            invariant.check(&self.scene).map_err(|text| Violation::new(invariant.name(), text))?;
        }
        Ok(())
    }

    /// What clients make of an event.
    fn react(&mut self, event: &Event) {
        let Event::Settled { process, request, settlement: Settlement::Answered(outcome) } = event else { return };
        let process = &mut self.scene.processes[*process];
        if let (Some(grid), Some(id)) = (process.grids.last().copied(), request.id) {
            let log = self.scene.ledger.grids.get(&grid);
            if let Some(placed) = log.and_then(|log| log.applied.get(&id)) {
                let highest = self.scene.acknowledged.entry(placed.grid).or_default();
                *highest = placed.index.max(*highest);
            }
        }
        let conflict = *outcome == hamok::wire::command::Outcome::Conflict;
        if conflict && process.is_up() && self.scene.now_ms < request.deadline_ms && !process.facade.closed {
            process.client.compare_again(&mut process.facade, self.scene.now_ms, request);
            let index = process.index;
            self.take_events(index);
        }
    }

    fn read_logs(&mut self) -> Result<(), Violation> {
        self.status_sums.resize(self.scene.processes.len(), Default::default());
        for index in 0..self.scene.processes.len() {
            let status = self.scene.processes[index].status();
            let peer_id = &self.scene.processes[index].peer_id;
            let elsewhere = |it: &Process| {
                let heard = it.is_well() && self.scene.network.reaches(&it.peer_id, peer_id);
                heard && ![0, status.grid].contains(&it.status().grid)
            };
            let fresh = status.grid != 0 && !self.scene.ledger.grids.contains_key(&status.grid);
            let alone = fresh && !self.scene.processes.iter().any(elsewhere);
            let process = &mut self.scene.processes[index];
            if !process.is_up() {
                continue;
            }
            let sum = (status.grid, status.term, status.leads, status.commit_index);
            if self.status_sums[index] != sum {
                self.status_sums[index] = sum;
                self.trace.line(self.scene.now_ms, &process.name, format_args!("is {sum:x?}"));
            }
            if process.nodes.last() != Some(&status.node) && status.node != 0 {
                process.nodes.push(status.node);
                process.recorder.note(Told::Node(status.node));
            }
            if status.grid == 0 {
                continue;
            }
            if process.grids.last() != Some(&status.grid) {
                self.scene.ledger.grid_seen(status.grid, alone);
                process.grids.push(status.grid);
                (process.read, process.looked) = (0, None);
            }
            // A new leader may have put other entries in the place of those that nobody had committed.
            let looked = Some((status.term, status.log.next, status.log.bytes));
            if looked != process.looked {
                process.looked = looked;
                let tail = process.peer.log_records(process.read, status.log.next);
                self.scene.ledger.look(status.grid, &tail);
            }
            let Some(commit) = status.commit_index.filter(|commit| *commit >= process.read) else { continue };
            let records = process.peer.log_records(process.read, commit + 1);
            process.read = commit + 1;
            self.scene.ledger.learn(status.grid, &process.name, records)?;
        }
        Ok(())
    }
}
