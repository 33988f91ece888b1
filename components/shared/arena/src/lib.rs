//! The allocator of guests: what a call allocates is taken from one block, and given back at once.
//!
//! A host hands over each text of a batch in memory that it asks the guest for, and the guest frees all of it when
//! the call ends. With the general allocator eight texts were 2,900 WebAssembly instructions, more than most rules
//! need. Here an allocation moves a mark, freeing counts down, and
//! when the count is back at zero the mark goes back to the start.
//!
//! What lives longer than a call must not be in the block, or the mark never goes back: so the block is used from
//! [`Arena::open`] on, which guests call when they are configured. When the block is full, or something in it is
//! never freed, allocation goes on in the general allocator: slower, but right.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// Bytes of the block. A batch of 64 comments of 500 letters, each there twice, is 80 KB; the largest that a host
/// sends (64 of 4,096 bytes, twice) is 512 KB.
const BLOCK_BYTES: usize = 512 * 1024;

/// Where the block starts, so that every layout that guests use is aligned by arithmetic on offsets.
const BLOCK_ALIGN: usize = 4096;

#[repr(C, align(4096))]
struct Block(UnsafeCell<[u8; BLOCK_BYTES]>);

/// The allocator. There is one, as `#[global_allocator]`.
pub struct Arena {
    block: Block,
    is_open: Cell<bool>,
    /// Offset of the first byte that is free.
    mark: Cell<usize>,
    /// Allocations in the block that were not freed yet.
    live: Cell<usize>,
}

// SAFETY: guests are instances of one thread; the target has no threads. `new` is for `#[global_allocator]` of
// such a guest only.
unsafe impl Sync for Arena {}

impl Arena {
    /// A closed arena: all goes to the general allocator.
    #[allow(clippy::new_without_default)]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            block: Block(UnsafeCell::new([0; BLOCK_BYTES])),
            is_open: Cell::new(false),
            mark: Cell::new(0),
            live: Cell::new(0),
        }
    }

    /// From now on the block is used: what is allocated from here on lives no longer than its call.
    pub fn open(&self) {
        self.is_open.set(true);
    }

    fn start(&self) -> *mut u8 {
        self.block.0.get().cast()
    }

    /// The offset of `pointer` in the block; none where it is elsewhere.
    fn offset(&self, pointer: *mut u8) -> Option<usize> {
        let offset = (pointer as usize).wrapping_sub(self.start() as usize);
        (offset < BLOCK_BYTES).then_some(offset)
    }

    /// Moves the mark over `layout`; none where the block is closed or has no room for it.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        if !self.is_open.get() || layout.align() > BLOCK_ALIGN {
            return None;
        }
        let offset = self.mark.get().checked_next_multiple_of(layout.align())?;
        let end = offset.checked_add(layout.size())?;
        if end > BLOCK_BYTES {
            return None;
        }
        self.mark.set(end);
        self.live.set(self.live.get() + 1);
        // SAFETY: `offset <= end <= BLOCK_BYTES`, so the result is in the block or one past its end.
        Some(unsafe { self.start().add(offset) })
    }

    /// Counts one allocation of the block as freed.
    fn give_back(&self) {
        let live = self.live.get().saturating_sub(1);
        self.live.set(live);
        if live == 0 {
            self.mark.set(0);
        }
    }
}

// SAFETY: memory is handed out once until the count of what was handed out is zero again, lies within the block,
// is aligned (the block is, and offsets are multiples of the alignment), and everything else is the general
// allocator's. An allocation of no bytes at the end of the block is not in it by `offset`, but such are never
// asked for: `GlobalAlloc` requires a size above zero.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(pointer) => pointer,
            // SAFETY: the caller's duties are passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match self.offset(pointer) {
            Some(_) => self.give_back(),
            // SAFETY: what is not in the block came from the general allocator.
            None => unsafe { System.dealloc(pointer, layout) },
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(offset) = self.offset(pointer) else {
            // SAFETY: what is not in the block came from the general allocator.
            return unsafe { System.realloc(pointer, layout, new_size) };
        };
        // What was allocated last can grow where it is, as buffers do that are being written.
        if offset + layout.size() == self.mark.get() && new_size <= BLOCK_BYTES - offset {
            self.mark.set(offset + new_size);
            return pointer;
        }
        // SAFETY: the caller's duties are passed on; sizes were valid for `layout` with its alignment.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(new_size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both are valid for the smaller of the sizes, and were handed out apart from one another.
            unsafe { moved.copy_from_nonoverlapping(pointer, layout.size().min(new_size)) };
            self.give_back();
        }
        moved
    }
}

#[cfg(test)]
mod tests;
