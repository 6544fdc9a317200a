mod entries;
mod queues;
mod random;

use super::*;

/// A history in which operations are told apart by short names.
#[derive(Default)]
struct Story {
    history: History,
    now_ms: u64,
}

impl Story {
    fn begin(&mut self, client: u64, operation: Operation) -> OperationId {
        self.now_ms += 10;
        let key = if operation.is_of_queue() { "queue" } else { "key" };
        self.history.invoke(client, key, operation, self.now_ms)
    }

    fn end(&mut self, id: OperationId, outcome: Outcome) {
        self.now_ms += 10;
        self.history.complete(id, outcome, self.now_ms);
    }

    /// Begins and ends with nothing in between.
    fn run(&mut self, client: u64, operation: Operation, outcome: Outcome) -> OperationId {
        let id = self.begin(client, operation);
        self.end(id, outcome);
        id
    }

    fn lose(&mut self, client: u64, operation: Operation) {
        let id = self.begin(client, operation);
        self.history.unknown(id);
    }

    #[track_caller]
    fn passes(&self) {
        match check(&self.history) {
            Ok(summary) => assert_eq!(summary.undecided, Vec::<String>::new()),
            Err(violation) => panic!("{violation}"),
        }
    }

    #[track_caller]
    fn fails_at(&self, culprit: OperationId) -> Violation {
        let violation = check(&self.history).expect_err("nothing was found wrong");
        assert_eq!(violation.culprit, Some(culprit), "{violation}");
        violation
    }
}

fn set(value: &str) -> Operation {
    Operation::Set(value.to_owned())
}

fn insert(value: &str) -> Operation {
    Operation::Insert(value.to_owned())
}

fn update_if(expected: &str, value: &str) -> Operation {
    Operation::UpdateIf { expected: Some(expected.to_owned()), value: value.to_owned() }
}

fn push(items: &[&str]) -> Operation {
    Operation::Push(items.iter().map(|&item| item.to_owned()).collect())
}

fn value(value: &str) -> Outcome {
    Outcome::Value(Some(value.to_owned()))
}

const NOTHING: Outcome = Outcome::Value(None);
