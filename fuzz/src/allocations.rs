//! Counts what a thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator, with counts.
struct Counting;

/// Bytes that were allocated by one thread.
#[derive(Debug, Clone, Copy)]
pub struct Allocations {
    /// In all; what is reallocated counts anew.
    pub total: usize,
    /// The most that was held at one time.
    pub at_once: usize,
    /// The largest single one.
    pub largest: usize,
    held: usize,
}

const NONE: Allocations = Allocations { total: 0, at_once: 0, largest: 0, held: 0 };

thread_local! {
    static COUNTS: Cell<Allocations> = const { Cell::new(NONE) };
}

/// What `work` allocates.
pub fn of(work: impl FnOnce()) -> Allocations {
    COUNTS.set(NONE);
    work();
    COUNTS.get()
}

fn count(allocated: usize, freed: usize) {
    let Allocations { total, at_once, largest, held } = COUNTS.get();
    // What is freed may be older than the count.
    let held = (held + allocated).saturating_sub(freed);
    let (total, at_once, largest) = (total + allocated, at_once.max(held), largest.max(allocated));
    COUNTS.set(Allocations { total, at_once, largest, held });
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }
}
