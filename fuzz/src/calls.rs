//! Calls that the facade packs. They come from the same process, but JavaScript can pass any bytes.

use std::hint::black_box;

use hamok::binding::description;
use hamok::binding::operations::{self, Collections};
use hamok::node::requests::{Purpose, Requests};
use hamok::wire::codec;
use hamok::wire::command::{Command, Operation};

use super::samples;

fn collections() -> Collections {
    (1..).zip(samples::COLLECTIONS).map(|(handle, (kind, id))| (handle, (kind, id.into()))).collect()
}

pub fn decode(bytes: &[u8]) {
    let collections = collections();
    let _ = black_box(operations::read_operations(bytes, &collections));
    let _ = black_box(operations::read_deliveries(bytes, &collections));
    let _ = black_box(operations::read_replies(bytes));
}

/// The log gets what the facade has packed.
pub fn act(bytes: &[u8]) {
    let Ok(operations) = operations::read_operations(bytes, &collections()) else { return };
    let mut requests = Requests::default();
    requests.start_session(1, 7, "a", Vec::new());
    requests.take_batch();
    requests.settle(0);
    requests.session_opened(None);
    for (token, operation) in &operations {
        black_box(description::describe(operation));
        requests.push(Purpose::Caller(*token), operation.clone());
    }
    let mut sent = Vec::new();
    while let Some(batch) = requests.take_batch() {
        sent.extend(operations_of(batch.command.as_slice()));
    }
    assert!(sent.iter().eq(operations.iter().map(|(_, operation)| operation)));
}

fn operations_of(command: &[u8]) -> Vec<Operation> {
    match codec::decode::<Command>(command) {
        Ok(Command::Requests(batch)) => batch.operations,
        other => panic!("a batch became {other:?}"),
    }
}
