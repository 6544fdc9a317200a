//! The runtime that simulations run on, under the tests that openraft has for runtimes.

use hamok::raft::runtime::SimulationRuntime;
use openraft_rt::testing::Suite;

#[test]
fn does_what_openraft_expects_of_a_runtime() {
    Suite::<SimulationRuntime>::test_all();
}
