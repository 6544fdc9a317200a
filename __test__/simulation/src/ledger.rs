//! What is committed, as the peers' logs show it: one log for each grid, and what its commands come to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use hamok::raft::log_store::LogRecord;
use hamok::state_machine::StateMachine;
use hamok::wire::GridId;
use hamok::wire::NodeId;
use hamok::wire::codec;
use hamok::wire::command::{CollectionKind, Command, Outcome};

use crate::invariants::Violation;
use crate::model::{Applied, Id, Model, Pending, id_of};

#[derive(Default)]
pub struct Ledger {
    pub grids: BTreeMap<GridId, GridLog>,
    /// What every request asked for that was seen in any log, committed or not.
    requests: BTreeMap<(NodeId, u64), Id>,
    /// Entries that were looked at: grid, index and term.
    seen: HashSet<(GridId, u64, u64)>,
}

/// A grid's committed log.
#[derive(Default)]
pub struct GridLog {
    pub founded_alone: bool,
    /// The grid that this one goes on from.
    pub parent: Option<GridId>,
    /// The grids that have become part of this one.
    pub merged: BTreeSet<GridId>,
    /// By index: the term and the checksum of the command.
    entries: BTreeMap<u64, (u64, u32)>,
    /// Read, but the entries before them are not.
    waiting: BTreeMap<u64, Option<Command>>,
    /// All entries up to this index are in the model.
    pub known: Option<u64>,
    pub model: Model,
    /// The same by the core's own rules: what a merge of two states gives is asked of them.
    reference: StateMachine,
    pub applied: HashMap<Id, Placed>,
    /// Items that were taken from queues, and by which session, at which revision.
    pub popped: HashMap<Id, (NodeId, u64)>,
    /// Items that were in a grid's queue, and are not in that of a grid that goes on from it: they were taken in the end of
    /// the log that was taken over.
    pub vanished: HashSet<Id>,
    /// For each process, the number of its last operation that took effect.
    last: BTreeMap<u32, u32>,
    /// The remote operations by their maps and positions, and the revisions at which they were queued.
    pub queued: HashMap<(String, u64), (Id, u64)>,
}

/// Where an operation took effect.
#[derive(Debug, Clone)]
pub struct Placed {
    pub grid: GridId,
    pub index: u64,
    /// Whether this was in the end of a log that another grid took over without knowing it to be committed: then nobody
    /// knows the outcome.
    pub unsure: bool,
    pub session: NodeId,
    pub number: u64,
    pub outcome: Option<Outcome>,
    pub position: Option<(String, u64)>,
    /// The revision, or that with which the grid began or took over another.
    revision: u64,
    /// The same for the outcome.
    answered: u64,
}

impl Placed {
    /// Whether it waits for its execution, as far as the log is known.
    pub fn is_pending(&self) -> bool {
        self.outcome.is_none() && !self.unsure
    }
}

/// How much of what a grid takes over from another one is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    All,
    /// It goes on from the other one, with the end of its log: only what comes up to this revision is certain to be the same.
    UpTo(u64),
    /// Somebody knew more to be committed than any peer had said.
    Less,
}

impl Ledger {
    /// A peer is in this grid; `alone` when nobody else of another grid could be heard.
    pub fn grid_seen(&mut self, grid: GridId, alone: bool) {
        self.grids.entry(grid).or_insert_with(|| GridLog { founded_alone: alone, ..GridLog::default() });
    }

    /// The first of the grids that this one goes on from.
    pub fn origin(&self, grid: GridId) -> GridId {
        let parent = self.grids.get(&grid).and_then(|log| log.parent);
        parent.map_or(grid, |parent| self.origin(parent))
    }

    pub fn was_founded_alone(&self, grid: GridId) -> bool {
        self.grids.get(&grid).is_some_and(|log| log.founded_alone)
    }

    /// Takes in what a peer holds as committed.
    pub fn learn(&mut self, grid: GridId, who: &str, records: Vec<LogRecord>) -> Result<(), Violation> {
        self.look(grid, &records);
        let Some(log) = self.grids.get_mut(&grid) else { return Ok(()) };
        for LogRecord { index, term, command, .. } in records {
            let sum = command.as_ref().map_or(0, |bytes| crc32fast::hash(bytes.as_slice()));
            if let Some((known, other)) = log.entries.get(&index) {
                if (*known, *other) != (term, sum) {
                    let text = format!("{who} has another entry {index} of grid {grid:x}: term {term}, not {known}");
                    return Err(Violation::new("committed entries stay", text));
                }
                continue;
            }
            let before = log.entries.range(..index).next_back().map_or(0, |(_, (term, _))| *term);
            if before > term {
                let text = format!("{who}: term {term} at {index} of grid {grid:x} after term {before}");
                return Err(Violation::new("committed entries stay", text));
            }
            log.entries.insert(index, (term, sum));
            let decoded = command.and_then(|bytes| codec::decode::<Command>(bytes.as_slice()).ok());
            log.waiting.insert(index, decoded);
        }
        self.advance(grid)
    }

    /// Takes note of what a log holds, committed or not.
    pub fn look(&mut self, grid: GridId, records: &[LogRecord]) {
        for LogRecord { index, term, command, .. } in records {
            if !self.seen.insert((grid, *index, *term)) {
                continue;
            }
            let decoded = command.as_ref().and_then(|bytes| codec::decode::<Command>(bytes.as_slice()).ok());
            if let Some(batch) = decoded.as_ref().and_then(Command::requests) {
                for (number, operation) in (batch.first..).zip(&batch.operations) {
                    if let Some(id) = id_of(operation) {
                        self.requests.insert((batch.session, number), id);
                    }
                }
            }
        }
    }

    fn advance(&mut self, grid: GridId) -> Result<(), Violation> {
        loop {
            let Some(log) = self.grids.get_mut(&grid) else { return Ok(()) };
            // A grid's first entry, its first membership, has the index 0.
            let next = log.known.map_or(0, |known| known + 1);
            let Some(command) = log.waiting.remove(&next) else { return Ok(()) };
            log.known = Some(next);
            let Some(command) = command else { continue };
            let before = log.reference.revision();
            log.reference.apply(next, &command, &mut Vec::new());
            match &command {
                Command::Restore(inheritance) if log.model.revision == 0 => {
                    log.model.apply(&command);
                    log.parent = Some(inheritance.parent);
                    self.take_over(grid, inheritance.parent, Known::UpTo(inheritance.committed), None);
                }
                // One that brings nothing new does nothing.
                Command::Merge(_) if log.reference.revision() == before => {}
                Command::Merge(merge) => {
                    log.model = Model::of(&log.reference);
                    log.merged.insert(merge.loser);
                    let brought = StateMachine::from_snapshot(merge.state.as_slice()).ok();
                    let revision = brought.as_ref().map_or(0, |it| it.revision());
                    let more = self.grids.get(&merge.loser).is_some_and(|loser| loser.model.revision < revision);
                    let known = if more { Known::Less } else { Known::All };
                    self.take_over(grid, merge.loser, known, brought.as_ref());
                }
                _ => {
                    for applied in log.model.apply(&command) {
                        log.place(grid, next, applied).map_err(|text| Violation::new("each once, in order", text))?;
                    }
                }
            }
        }
    }

    /// What took effect in one grid has done so in another, as far as the state there knows of it, or that which was
    /// `brought` to be merged.
    fn take_over(&mut self, grid: GridId, from: GridId, known: Known, brought: Option<&StateMachine>) {
        let items = |log: &GridLog| -> HashSet<Id> {
            let queues = log.model.collections.values().filter(|it| it.kind == CollectionKind::Queue);
            queues.flat_map(|it| &it.entries).filter_map(|it| Id::parse(&it.value)).collect()
        };
        let Some((applied, popped, queued)) =
            self.grids.get(&from).map(|from| (from.applied.clone(), from.popped.clone(), from.queued.clone()))
        else {
            return;
        };
        let former = self.grids.get(&from).map(&items).unwrap_or_default();
        let Some(log) = self.grids.get_mut(&grid) else { return };
        let present = items(log);
        let vanished = former.into_iter().filter(|item| known != Known::All && !present.contains(item));
        log.vanished.extend(vanished);
        let sessions = &log.model.sessions;
        let collections = &log.model.collections;
        let is_pending = |session: NodeId, number: u64| {
            let waits = |it: &Pending| (it.session, it.number) == (session, number);
            collections.values().any(|collection| collection.pending.iter().any(waits))
        };
        for (id, mut placed) in applied {
            // The end of the log may have it with another outcome.
            if matches!(known, Known::UpTo(committed) if placed.answered > committed) {
                placed.outcome = None;
            }
            // What waited for its execution was executed in that end of the log.
            placed.unsure |= placed.outcome.is_none() && !is_pending(placed.session, placed.number);
            // Of a session that has ended since, nothing more is known; one that had ended there has done all that it ever did.
            let ended_there = brought
                .is_some_and(|it| placed.revision <= it.revision() && it.sessions().next(placed.session).is_none());
            (placed.revision, placed.answered) = (log.model.revision, log.model.revision);
            if ended_there || sessions.get(&placed.session).is_none_or(|next| placed.number < *next) {
                log.applied.entry(id).or_insert(placed);
                let known = log.last.entry(id.process).or_default();
                *known = id.number.max(*known);
            }
        }
        if known == Known::All {
            return;
        }
        if let Known::UpTo(committed) = known {
            // What follows may have come about in another order in the end of the log that was taken over.
            log.popped.extend(popped.into_iter().filter(|(_, (_, revision))| *revision <= committed));
            log.queued.extend(queued.into_iter().filter(|(_, (_, revision))| *revision <= committed));
        }
        for ((session, number), id) in &self.requests {
            let (session, number) = (*session, *number);
            // What waits has outlived the session that it came from.
            let is_in = sessions.get(&session).is_some_and(|next| number < *next) || is_pending(session, number);
            if is_in && !log.applied.contains_key(id) {
                let (index, outcome, position) = (0, None, None);
                let revision = log.model.revision;
                let answered = revision;
                let placed =
                    Placed { grid: from, index, unsure: true, session, number, outcome, position, revision, answered };
                log.applied.insert(*id, placed);
                let known = log.last.entry(id.process).or_default();
                *known = id.number.max(*known);
            }
        }
    }
}

impl GridLog {
    fn place(&mut self, grid: GridId, index: u64, applied: Applied) -> Result<(), String> {
        let Applied { session, number, id, outcome, position } = applied;
        if let (Some(Outcome::Entries(entries)), None) = (&outcome, id) {
            // Only a pop answers with entries and carries no mark.
            for item in entries.iter().filter_map(|(_, value)| value.as_ref().and_then(Id::parse)) {
                if self.popped.insert(item, (session, self.model.revision)).is_some() {
                    return Err(format!("the item {item} was taken from its queue twice, the second time at {index}"));
                }
            }
        }
        let Some(id) = id else { return Ok(()) };
        if let Some(placed) = self.applied.get_mut(&id) {
            placed.answered = self.model.revision;
            if (placed.session, placed.number) == (session, number) && placed.outcome.is_none() && outcome.is_some() {
                placed.outcome = outcome;
                return Ok(());
            }
            if placed.grid != grid && placed.position.is_some() && (placed.session, placed.number) == (session, number)
            {
                // It was executed in a grid that was merged into this one, by a peer that did not know so.
                placed.outcome = outcome;
                return Ok(());
            }
            if placed.unsure && (placed.session, placed.number) == (session, number) {
                // It was queued in the log that was taken over, and is executed now.
                placed.outcome = outcome;
                return Ok(());
            }
            return Err(format!(
                "{id} took effect at {} as request {} of {:x}, and at {index} as {number} of {session:x}",
                placed.index, placed.number, placed.session
            ));
        }
        if let Some(position) = &position {
            self.queued.insert(position.clone(), (id, self.model.revision));
        }
        let last = self.last.entry(id.process).or_default();
        if *last >= id.number {
            return Err(format!("{id} took effect at {index}, after {}.{last}", id.process));
        }
        *last = id.number;
        let (unsure, revision, answered) = (false, self.model.revision, self.model.revision);
        let placed = Placed { grid, index, unsure, session, number, outcome, position, revision, answered };
        self.applied.insert(id, placed);
        Ok(())
    }
}
