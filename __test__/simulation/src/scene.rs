//! All there is in a run, for invariants to look at.

use std::collections::BTreeMap;

use hamok::wire::GridId;

use crate::ledger::Ledger;
use crate::network::Network;
use crate::process::{Process, Stage};
use crate::store::Store;

pub struct Scene {
    pub now_ms: u64,
    pub processes: Vec<Process>,
    pub network: Network,
    pub store: Store,
    pub ledger: Ledger,
    /// When all faults ended.
    pub healed_ms: Option<u64>,
    /// Everything is at rest, and what is asked for now must succeed.
    pub probing: bool,
    /// The last index of each grid at which a write was acknowledged to anybody.
    pub acknowledged: BTreeMap<GridId, u64>,
}

impl Scene {
    /// The process that messages for a peer id reach.
    pub fn process_of(&self, peer_id: &str) -> Option<usize> {
        self.processes.iter().rposition(|it| it.is_up() && it.peer_id == peer_id)
    }

    /// The grid that the peers are in, when it is one.
    pub fn final_grid(&self) -> Option<GridId> {
        let mut grids = self.processes.iter().filter(|it| it.is_up()).map(|it| it.status().grid);
        let grid = grids.next()?;
        grids.all(|other| other == grid).then_some(grid)
    }

    /// What is not yet at rest.
    pub fn unsettled(&self) -> Option<String> {
        let up = || self.processes.iter().filter(|it| it.is_up());
        if let Some(process) = up().find(|it| it.stage != Stage::Up || !it.is_well()) {
            return Some(format!("{} is {:?} and {:?}", process.name, process.stage, process.condition));
        }
        if let Some(process) = up().find(|it| !it.is_settled()) {
            let (facade, status) = (&process.facade, process.status());
            let live = facade.mirrors.values().filter(|mirror| mirror.live).count();
            return Some(format!(
                "{} is {}joined, in grid {:x}, its leader is {:?}, {live} collections are ready",
                process.name,
                if facade.joined { "" } else { "not " },
                status.grid,
                facade.leader
            ));
        }
        let Some(grid) = self.final_grid() else {
            let grids: Vec<_> = up().map(|it| format!("{}: {:x}", it.name, it.status().grid)).collect();
            return Some(format!("there are several grids: {}", grids.join(", ")));
        };
        let leaders: Vec<_> = up().filter_map(|it| it.facade.leader.clone()).collect();
        if leaders.iter().any(|leader| *leader != leaders[0]) {
            return Some(format!("there are several leaders: {leaders:?}"));
        }
        let log = self.ledger.grids.get(&grid)?;
        if let Some(process) = up().find(|it| Some(it.peer.applied_index()) != log.known) {
            return Some(format!("{} has applied {} of {:?}", process.name, process.peer.applied_index(), log.known));
        }
        if let Some((id, it)) = log.model.collections.iter().find(|(_, it)| !it.pending.is_empty()) {
            return Some(format!("{} operations of {id} wait for the store", it.pending.len()));
        }
        let members = |process: &Process| process.view().map_or(0, |view| view.members.len());
        if let Some(process) = up().find(|it| members(it) != up().count()) {
            return Some(format!("{} sees {} members, not {}", process.name, members(process), up().count()));
        }
        let busy = up().find(|it| !it.facade.requests.is_empty() || it.facade.executing());
        busy.map(|process| format!("{} has open promises", process.name))
    }
}
