//! What is committed, as the peers' logs show it: one log for each grid, and what its commands come to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hamok::raft::log_store::LogRecord;
use hamok::wire::GridId;
use hamok::wire::NodeId;
use hamok::wire::codec;
use hamok::wire::command::{Command, Outcome};

use crate::invariants::Violation;
use crate::model::{Applied, Id, Model};

#[derive(Default)]
pub struct Ledger {
    pub grids: BTreeMap<GridId, GridLog>,
    /// In the order in which they were first seen.
    pub order: Vec<GridId>,
}

/// A grid's committed log.
#[derive(Default)]
pub struct GridLog {
    /// The grid that its founder was in before.
    pub founder_came_from: Option<GridId>,
    /// Whether it began with the state of that grid.
    pub inherits: bool,
    /// By index: the term and the checksum of the command.
    entries: BTreeMap<u64, (u64, u32)>,
    /// Read, but the entries before them are not.
    waiting: BTreeMap<u64, Option<Command>>,
    /// All entries up to this index are in the model.
    pub known: u64,
    pub model: Model,
    pub applied: HashMap<Id, Placed>,
    /// Items that were taken from queues, and by which session.
    pub popped: HashMap<Id, NodeId>,
    /// For each process, the number of its last operation that took effect.
    last: BTreeMap<u32, u32>,
    /// The remote operations by their maps and positions.
    pub queued: HashMap<(String, u64), Id>,
}

/// Where an operation took effect.
#[derive(Debug, Clone)]
pub struct Placed {
    pub index: u64,
    pub session: NodeId,
    pub number: u64,
    pub outcome: Option<Outcome>,
    pub position: Option<(String, u64)>,
}

impl Ledger {
    pub fn grid_seen(&mut self, grid: GridId, founder_came_from: Option<GridId>) {
        self.grids.entry(grid).or_insert_with(|| {
            self.order.push(grid);
            GridLog { founder_came_from, ..GridLog::default() }
        });
    }

    /// The grid whose state a grid began with.
    pub fn parent(&self, grid: GridId) -> Option<GridId> {
        let log = self.grids.get(&grid)?;
        log.founder_came_from.filter(|_| log.inherits)
    }

    pub fn descends(&self, grid: GridId, ancestor: GridId) -> bool {
        grid == ancestor || self.parent(grid).is_some_and(|parent| self.descends(parent, ancestor))
    }

    /// How many grids it has behind it.
    pub fn rank(&self, grid: GridId) -> u64 {
        self.parent(grid).map_or(0, |parent| self.rank(parent) + 1)
    }

    /// Takes in what a peer holds as committed.
    pub fn learn(&mut self, grid: GridId, who: &str, records: Vec<LogRecord>) -> Result<(), Violation> {
        let Some(log) = self.grids.get_mut(&grid) else { return Ok(()) };
        for LogRecord { index, term, command, .. } in records {
            let sum = command.as_ref().map_or(0, |bytes| crc32fast::hash(bytes.as_slice()));
            if let Some(known) = log.entries.get(&index) {
                if *known != (term, sum) {
                    let text =
                        format!("{who} has another entry {index} of grid {grid:x}: term {term}, not {}", known.0);
                    return Err(Violation::new("log agreement", text));
                }
                continue;
            }
            let before = log.entries.range(..index).next_back().map_or(0, |(_, (term, _))| *term);
            if before > term {
                let text = format!("{who}: term {term} at {index} of grid {grid:x} after term {before}");
                return Err(Violation::new("log agreement", text));
            }
            log.entries.insert(index, (term, sum));
            let decoded = command.and_then(|bytes| codec::decode::<Command>(bytes.as_slice()).ok());
            log.waiting.insert(index, decoded);
        }
        self.advance(grid)
    }

    fn advance(&mut self, grid: GridId) -> Result<(), Violation> {
        loop {
            let Some(log) = self.grids.get_mut(&grid) else { return Ok(()) };
            // A grid's first entry has the index 0: its first membership.
            let next = if log.entries.contains_key(&0) && log.known == 0 && log.waiting.contains_key(&0) {
                0
            } else {
                log.known + 1
            };
            let Some(command) = log.waiting.remove(&next) else { return Ok(()) };
            log.known = next;
            let Some(command) = command else { continue };
            if let Command::Restore(_) = &command
                && log.model.revision == 0
            {
                self.inherit(grid, &command);
                continue;
            }
            for applied in log.model.apply(&command) {
                log.place(next, applied).map_err(|text| Violation::new("exactly once, in order", text))?;
            }
        }
    }

    fn inherit(&mut self, grid: GridId, command: &Command) {
        let parent = self.grids[&grid].founder_came_from.and_then(|parent| self.grids.get(&parent));
        let (applied, popped, last, queued) = parent.map_or_else(Default::default, |parent| {
            (parent.applied.clone(), parent.popped.clone(), parent.last.clone(), parent.queued.clone())
        });
        let Some(log) = self.grids.get_mut(&grid) else { return };
        log.inherits = true;
        log.model.apply(command);
        (log.applied, log.popped, log.last, log.queued) = (applied, popped, last, queued);
        // What was committed there, and is not in the state that this one begins with, is lost.
        let sessions = log.model.sessions.clone();
        log.applied.retain(|_, placed| sessions.get(&placed.session).is_none_or(|next| placed.number < *next));
    }

    /// Grids that hold what is committed now: those that no other began with.
    pub fn tips(&self) -> BTreeSet<GridId> {
        let parents: BTreeSet<GridId> = self.order.iter().filter_map(|grid| self.parent(*grid)).collect();
        self.order.iter().copied().filter(|grid| !parents.contains(grid)).collect()
    }
}

impl GridLog {
    fn place(&mut self, index: u64, applied: Applied) -> Result<(), String> {
        let Applied { session, number, id, outcome, position } = applied;
        if let (Some(Outcome::Entries(entries)), None) = (&outcome, id) {
            // Only a pop answers with entries and carries no mark.
            for item in entries.iter().filter_map(|(_, value)| value.as_ref().and_then(Id::parse)) {
                if self.popped.insert(item, session).is_some() {
                    return Err(format!("the item {item} was taken from its queue twice, the second time at {index}"));
                }
            }
        }
        let Some(id) = id else { return Ok(()) };
        if let Some(placed) = self.applied.get_mut(&id) {
            if (placed.session, placed.number) == (session, number) && placed.outcome.is_none() && outcome.is_some() {
                placed.outcome = outcome;
                return Ok(());
            }
            return Err(format!(
                "{id} took effect at {} as request {} of {:x}, and at {index} as {number} of {session:x}",
                placed.index, placed.number, placed.session
            ));
        }
        if let Some(position) = &position {
            self.queued.insert(position.clone(), id);
        }
        let last = self.last.entry(id.process).or_default();
        if *last >= id.number {
            return Err(format!("{id} took effect at {index}, after {}.{last}", id.process));
        }
        *last = id.number;
        self.applied.insert(id, Placed { index, session, number, outcome, position });
        Ok(())
    }
}
