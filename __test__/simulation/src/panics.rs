//! Panics in tasks do not end a run by themselves: they are noted for the thread on which they happen.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes panics instead of printing them.
pub fn catch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let noted = LAST.try_with(|last| *last.borrow_mut() = Some(info.to_string()));
            if noted.is_err() {
                former(info);
            }
        }));
    });
}

/// The last panic on this thread since the last look.
pub fn take() -> Option<String> {
    LAST.with(|last| last.borrow_mut().take())
}
