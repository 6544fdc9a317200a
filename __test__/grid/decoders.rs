//! Bytes from outside: whatever they are, they are read or refused.

use hamok::raft::rpc;
use hamok::state_machine::StateMachine;
use hamok::wire::codec;
use hamok::wire::command::Command;
use hamok::wire::packet::Packet;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = codec::decode::<Packet>(&bytes);
        let _ = codec::decode::<Command>(&bytes);
        let _ = codec::decode::<rpc::Request>(&bytes);
        let _ = codec::decode::<rpc::Response>(&bytes);
        let _ = StateMachine::from_snapshot(&bytes);
    }
}
