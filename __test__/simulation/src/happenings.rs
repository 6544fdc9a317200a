//! How faults happen to the world, and how they end.

use std::collections::BTreeSet;

use hamok::config::{Options, QuorumLoss};
use hamok::raft::instance::View;

use crate::faults::{CutKind, Fault, Return, Target};
use crate::network::{Conditions, Cut};
use crate::process::{Condition, Process, Stage};
use crate::random::Rng;
use crate::store::Trouble;
use crate::world::World;

/// What has to be done at some time.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Begin(Fault),
    Mend(u64),
    FairWeather,
    StoreWorks,
    Resume(usize),
    Unblock(usize),
    /// A new process with this peer id.
    Start(String),
    JoinAgain(usize),
    Exit(usize),
    Leave(usize, Return),
    Close(usize, Return),
    /// An operator has a grid without a quorum re-formed.
    ForceReform,
}

/// When something cannot happen now, it is tried again after this time.
const LATER_MS: u64 = 300;
/// The operator looks at what there is this often.
const OPERATOR_MS: u64 = 2_000;
/// No more processes than this are up.
const MOST_PROCESSES: usize = 9;

impl World {
    pub fn act(&mut self, action: Action) {
        let now_ms = self.scene.now_ms;
        self.trace.line(now_ms, "world", format_args!("{action:?}"));
        match action {
            Action::Begin(fault) => self.begin(fault),
            Action::Mend(id) => {
                self.cuts.remove(&id);
                self.scene.network.mend(id);
            }
            Action::FairWeather => self.scene.network.conditions = Conditions::calm(),
            Action::StoreWorks => self.scene.store.trouble = self.store_at_best.clone(),
            Action::Resume(index) => {
                let process = &mut self.scene.processes[index];
                if process.is_up() && process.condition == Condition::Stopped {
                    process.skip_to(now_ms);
                    (process.condition, process.well_since_ms) = (Condition::Well, now_ms);
                }
            }
            Action::Unblock(index) => {
                let process = &mut self.scene.processes[index];
                if process.condition == Condition::Blocked {
                    (process.condition, process.well_since_ms) = (Condition::Well, now_ms);
                }
            }
            Action::Start(peer_id) => {
                // A peer that starts while it is cut off would find others like it, and make a grid with them.
                if !self.cuts.is_empty() && self.scene.healed_ms.is_none() {
                    self.plan(now_ms + LATER_MS, Action::Start(peer_id));
                } else if self.scene.process_of(&peer_id).is_none() {
                    self.start(peer_id);
                }
            }
            Action::JoinAgain(index) => {
                if !self.cuts.is_empty() && self.scene.healed_ms.is_none() {
                    self.plan(now_ms + LATER_MS, Action::JoinAgain(index));
                } else {
                    self.scene.processes[index].join_again();
                }
            }
            Action::Exit(index) => {
                if self.scene.processes[index].stage == Stage::Left {
                    self.scene.processes[index].exit();
                }
            }
            Action::Leave(index, back) => self.leave(index, back),
            Action::Close(index, back) => self.close(index, back),
            Action::ForceReform => self.force_reform(),
        }
    }

    pub fn start(&mut self, peer_id: String) {
        let only_follower = self.only_followers.contains(&peer_id);
        let options = Options { peer_id, only_follower, ..self.options.clone() };
        let index = self.scene.processes.len();
        let process = Process::start(index, options, self.scene.now_ms, &mut self.rng);
        self.scene.processes.push(process);
        self.inboxes.push(Default::default());
    }

    fn fresh_peer_id(&mut self) -> String {
        self.last_peer += 1;
        // Neither first nor last in the order of ids for certain.
        let peer_id = format!("{}{}", *self.rng.pick(&['b', 'm', 'y']), self.last_peer);
        if !self.only_followers.is_empty() && self.rng.chance(250) {
            self.only_followers.insert(peer_id.clone());
        }
        peer_id
    }

    fn begin(&mut self, fault: Fault) {
        let now_ms = self.scene.now_ms;
        match fault {
            Fault::Weather(conditions, for_ms) => {
                self.scene.network.conditions = conditions;
                self.plan(now_ms + for_ms, Action::FairWeather);
            }
            Fault::Trouble(trouble, for_ms) => {
                self.scene.store.trouble = trouble;
                self.plan(now_ms + for_ms, Action::StoreWorks);
            }
            Fault::Cut(kind, for_ms) => self.cut(kind, for_ms),
            Fault::Stop(target, for_ms) => {
                if let Some(index) = self.victim(target) {
                    self.scene.processes[index].condition = Condition::Stopped;
                    self.plan(now_ms + for_ms, Action::Resume(index));
                }
            }
            Fault::Block(target, for_ms) => {
                if let Some(index) = self.victim(target) {
                    self.scene.processes[index].condition = Condition::Blocked;
                    self.plan(now_ms + for_ms, Action::Unblock(index));
                }
            }
            Fault::Crash(target, back) => {
                if self.halves && back != Return::Never {
                    self.crash_half(back);
                } else if let Some(index) = self.victim(target)
                    && self.survives_without(index, back)
                {
                    self.crash(index, back);
                }
            }
            Fault::Leave(target, back) => {
                if let Some(index) = self.victim(target) {
                    self.leave(index, back);
                }
            }
            Fault::Close(target, back) => {
                if let Some(index) = self.victim(target) {
                    self.close(index, back);
                }
            }
            Fault::Join => {
                if self.scene.processes.iter().filter(|it| it.is_up()).count() < MOST_PROCESSES {
                    let peer_id = self.fresh_peer_id();
                    self.plan(now_ms, Action::Start(peer_id));
                }
            }
            Fault::Replace(leaves) => {
                let peer_id = self.fresh_peer_id();
                let oldest = self.scene.processes.iter().position(|it| it.stage == Stage::Up);
                self.plan(now_ms, Action::Start(peer_id));
                if let Some(index) = oldest {
                    let at_ms = now_ms + self.rng.between(0, 1_500);
                    let end = if leaves { Action::Leave } else { Action::Close };
                    self.plan(at_ms, end(index, Return::Never));
                }
            }
        }
    }

    fn crash(&mut self, index: usize, back: Return) {
        self.trace.line(self.scene.now_ms, "world", format_args!("{} crashes", self.scene.processes[index].name));
        self.scene.processes[index].crash();
        self.come_back(index, back);
    }

    /// As many as it takes, if half can be left.
    fn crash_half(&mut self, back: Return) {
        while let Some(leader) = self.victim(Target::Leader)
            && self.scene.processes[leader].status().leads
            && let Some((voters, all, _)) = self.voters_without(leader)
            && 2 * voters >= all
        {
            if 2 * voters == all && self.survives_without(leader, back) {
                return self.crash(leader, back);
            }
            let can_go = |index: &usize| *index != leader && self.can_do_without(*index);
            let up = self.scene.processes.iter().filter(|it| it.stage == Stage::Up && it.is_well());
            let Some(index) = up.map(|it| it.index).find(can_go) else { return };
            self.crash(index, back);
        }
    }

    fn come_back(&mut self, index: usize, back: Return) {
        let now_ms = self.scene.now_ms;
        match back {
            Return::Never => {}
            Return::SamePeer(after_ms) => {
                let peer_id = self.scene.processes[index].peer_id.clone();
                self.plan(now_ms + after_ms, Action::Start(peer_id));
            }
            Return::OtherPeer(after_ms) => {
                let peer_id = self.fresh_peer_id();
                self.plan(now_ms + after_ms, Action::Start(peer_id));
            }
        }
    }

    fn leave(&mut self, index: usize, back: Return) {
        if self.scene.processes[index].stage != Stage::Up || !self.scene.processes[index].is_well() {
            return;
        }
        if !self.can_do_without(index) {
            return;
        }
        let process = &mut self.scene.processes[index];
        process.stage = Stage::Leaving;
        process.facade.leaving = true;
        process.with_peer(|peer| peer.leave());
        self.returns.insert(index, back);
    }

    /// A leaving process has left.
    pub fn left(&mut self, index: usize) {
        let now_ms = self.scene.now_ms;
        self.scene.processes[index].stage = Stage::Left;
        match self.returns.remove(&index) {
            // The same process joins again.
            Some(Return::SamePeer(after_ms)) => self.plan(now_ms + after_ms, Action::JoinAgain(index)),
            back => {
                self.plan(now_ms + 10, Action::Exit(index));
                self.come_back(index, back.unwrap_or(Return::Never));
            }
        }
    }

    fn close(&mut self, index: usize, back: Return) {
        if self.scene.processes[index].stage != Stage::Up || !self.scene.processes[index].is_well() {
            return;
        }
        if !self.can_do_without(index) {
            return;
        }
        self.scene.processes[index].with_peer(|peer| peer.stop());
        self.fetch(index);
        self.hear(index);
        self.scene.processes[index].exit();
        self.take_events(index);
        self.come_back(index, back);
    }

    fn victim(&mut self, target: Target) -> Option<usize> {
        let ready = |it: &Process| it.stage == Stage::Up && it.is_well() && it.status().grid != 0;
        let candidates: Vec<usize> = self.scene.processes.iter().filter(|it| ready(it)).map(|it| it.index).collect();
        let leader = candidates.iter().copied().find(|index| self.scene.processes[*index].status().leads);
        match (target, leader) {
            (Target::Leader, Some(leader)) => Some(leader),
            _ if candidates.is_empty() => None,
            _ => Some(*self.rng.pick(&candidates)),
        }
    }

    /// The newest leader that a quorum follows, and what it knows of the membership, if that is committed.
    fn membership(&self) -> Option<(&Process, View)> {
        let leaders = self.scene.processes.iter().filter(|it| it.is_well() && it.status().leads);
        let views = leaders.filter_map(|it| Some((it, it.view().filter(|view| view.leads)?)));
        let (leader, newest) = views.max_by_key(|(_, view)| view.term)?;
        let followed = newest.voters.len() == 1 || leader.quorum_age().is_some_and(|age| age.as_millis() < 500);
        (newest.membership_committed && followed).then_some((leader, newest))
    }

    /// Whether the grid goes on without this process.
    fn can_do_without(&self, index: usize) -> bool {
        self.voters_without(index).is_some_and(|(voters, all, others)| others >= 2 && 2 * voters > all)
    }

    /// Whether nothing that was acknowledged is lost with this process. The log is in memory, so what a majority takes
    /// with it is gone by design. Half of the voters hold everything, and go on with a newcomer, or with another grid.
    fn survives_without(&mut self, index: usize, back: Return) -> bool {
        if self.can_do_without(index) {
            return true;
        }
        let half_stay = self.voters_without(index).is_some_and(|(voters, all, _)| 2 * voters == all);
        let survives = half_stay && back != Return::Never;
        if survives {
            self.several_grids = true;
            self.plan(self.scene.now_ms + OPERATOR_MS, Action::ForceReform);
        }
        survives
    }

    /// Again and again, because nothing happens while the lost majority still counts as there.
    fn force_reform(&mut self) {
        if !self.waits_for_the_dead() {
            return;
        }
        if let Some(index) = self.victim(Target::Anybody) {
            self.scene.processes[index].with_peer(|peer| peer.force_reform());
        }
        self.plan(self.scene.now_ms + OPERATOR_MS, Action::ForceReform);
    }

    /// The voters that are left without this process, all voters, and the processes that are left: such as are well and
    /// in touch with the leader. Nothing, unless all of them are in one grid, and one of them may lead.
    fn voters_without(&self, index: usize) -> Option<(usize, usize, usize)> {
        // Until several grids are one, what each has acknowledged is on its own peers.
        let settled =
            self.scene.final_grid().is_some() && self.scene.processes.iter().all(|it| !it.is_up() || it.is_settled());
        if self.several_grids && !settled {
            return None;
        }
        let (leader, view) = self.membership()?;
        let network = &self.scene.network;
        let in_touch = |id: &str| network.reaches(&leader.peer_id, id) && network.reaches(id, &leader.peer_id);
        let staying =
            |it: &&Process| it.stage == Stage::Up && it.index != index && it.is_well() && in_touch(&it.peer_id);
        let staying: Vec<&Process> = self.scene.processes.iter().filter(staying).collect();
        if staying.iter().all(|it| self.only_followers.contains(&it.peer_id)) {
            return None;
        }
        let others: Vec<u64> = staying.iter().map(|it| it.status().node).collect();
        let voters = view.voters.iter().filter(|node| others.contains(node)).count();
        Some((voters, view.voters.len(), others.len()))
    }

    fn cut(&mut self, kind: CutKind, for_ms: u64) {
        let now_ms = self.scene.now_ms;
        let up: Vec<&Process> = self.scene.processes.iter().filter(|it| it.is_up()).collect();
        // See `Action::Start`.
        if up.iter().any(|it| it.status().grid == 0 || !it.facade.joined) {
            return;
        }
        let mut peers: Vec<String> = up.iter().map(|it| it.peer_id.clone()).collect();
        let leader = up.iter().find(|it| it.status().leads).map(|it| it.peer_id.clone());
        self.rng.shuffle(&mut peers);
        let some = |rng: &mut Rng, peers: &[String]| -> BTreeSet<String> {
            let size = rng.between(1, (peers.len() as u64 - 1).max(1)) as usize;
            peers[..size].iter().cloned().collect()
        };
        let first = leader.filter(|_| self.rng.chance(500)).unwrap_or_else(|| peers[0].clone());
        let other = peers.iter().find(|it| **it != first).cloned().unwrap_or_else(|| first.clone());
        let cut = match kind {
            CutKind::Group => Cut::Group(some(&mut self.rng, &peers)),
            CutKind::Leader => Cut::Group(BTreeSet::from([first])),
            CutKind::OneWay => Cut::OneWay(first, other),
            CutKind::Ring => Cut::Ring(peers),
            CutKind::Deaf => Cut::Deaf(first),
            CutKind::Mute => Cut::Mute(first),
        };
        // Long enough for both sides to go on.
        let for_ms = if self.options.quorum_loss == QuorumLoss::Available { 3 * for_ms } else { for_ms };
        self.trace.line(now_ms, "world", format_args!("{cut:?} for {for_ms} ms"));
        self.last_cut += 1;
        self.cuts.insert(self.last_cut);
        self.scene.network.cut(self.last_cut, cut);
        self.plan(now_ms + for_ms, Action::Mend(self.last_cut));
    }

    /// All faults end now.
    pub fn heal(&mut self) {
        self.scene.network.heal();
        self.scene.store.trouble = Trouble::none();
        self.cuts.clear();
        self.scene.healed_ms = Some(self.scene.now_ms);
        self.trace.line(self.scene.now_ms, "world", format_args!("all faults end"));
        for (_, action) in std::mem::take(&mut self.agenda) {
            match action {
                Action::Begin(_) | Action::Leave(..) | Action::Close(..) => {}
                action => self.act(action),
            }
        }
        self.act(Action::ForceReform);
    }
}
