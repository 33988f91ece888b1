//! The allocator as a value, natively. Its block is too large for a test's stack.

use super::*;

fn arena() -> Box<Arena> {
    // SAFETY: all fields are valid when zero: bytes, false, and numbers.
    unsafe { Box::<Arena>::new_zeroed().assume_init() }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

#[test]
fn a_closed_arena_leaves_all_to_the_general_allocator() {
    let arena = arena();
    let layout = layout(100, 8);
    // SAFETY: allocated and freed with the same layout.
    unsafe {
        let pointer = arena.alloc(layout);
        assert_eq!(arena.offset(pointer), None);
        arena.dealloc(pointer, layout);
    }
}

#[test]
fn when_all_is_freed_the_block_is_used_from_its_start_again() {
    let arena = arena();
    arena.open();
    for _ in 0..3 {
        // SAFETY: each is freed once, with its layout.
        unsafe {
            let one = arena.alloc(layout(3, 1));
            let two = arena.alloc(layout(8, 8));
            assert_eq!((arena.offset(one), arena.offset(two)), (Some(0), Some(8)));
            arena.dealloc(one, layout(3, 1));
            assert_eq!(arena.mark.get(), 16, "something is live still");
            arena.dealloc(two, layout(8, 8));
            assert_eq!((arena.mark.get(), arena.live.get()), (0, 0));
        }
    }
}

#[test]
fn the_last_allocation_grows_where_it_is_and_others_move_with_their_bytes() {
    let arena = arena();
    arena.open();
    // SAFETY: each is freed once, with its layout, and written within its size.
    unsafe {
        let one = arena.alloc(layout(4, 1));
        one.copy_from_nonoverlapping(b"abcd".as_ptr(), 4);
        let grown = arena.realloc(one, layout(4, 1), 10);
        assert_eq!(grown, one);
        let two = arena.alloc(layout(1, 1));
        let moved = arena.realloc(grown, layout(10, 1), 20);
        assert_eq!(arena.offset(moved), Some(11));
        assert_eq!(std::slice::from_raw_parts(moved, 4), b"abcd");
        let shrunk = arena.realloc(moved, layout(20, 1), 2);
        assert_eq!((shrunk, arena.mark.get()), (moved, 13));
        arena.dealloc(two, layout(1, 1));
        arena.dealloc(shrunk, layout(2, 1));
        assert_eq!((arena.mark.get(), arena.live.get()), (0, 0));
    }
}

#[test]
fn what_the_block_has_no_room_for_is_allocated_elsewhere() {
    let arena = arena();
    arena.open();
    let (most, rest) = (layout(BLOCK_BYTES - 10, 1), layout(11, 1));
    // SAFETY: each is freed once, with its layout.
    unsafe {
        let one = arena.alloc(most);
        let two = arena.alloc(rest);
        assert_eq!((arena.offset(one), arena.offset(two)), (Some(0), None));
        let one = arena.realloc(one, most, BLOCK_BYTES + 1);
        assert_eq!(arena.offset(one), None);
        assert_eq!((arena.mark.get(), arena.live.get()), (0, 0));
        arena.dealloc(two, rest);
        arena.dealloc(one, layout(BLOCK_BYTES + 1, 1));
        // A layout with a stricter alignment than the block's is not its business.
        let odd = layout(8, BLOCK_ALIGN * 2);
        let three = arena.alloc(odd);
        assert_eq!(arena.offset(three), None);
        arena.dealloc(three, odd);
    }
}

#[test]
fn random_use_never_hands_out_the_same_byte_twice() {
    let arena = arena();
    arena.open();
    let mut state = 3u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut held: Vec<(*mut u8, Layout, u8)> = Vec::new();
    for round in 0..20_000u32 {
        let stamp = u8::try_from(round % 251).unwrap();
        // SAFETY: each is freed once with the layout it has, and read and written within its size.
        unsafe {
            match next(3) {
                0 => {
                    let layout = layout(usize::try_from(1 + next(4_000)).unwrap(), 1 << next(5));
                    let pointer = arena.alloc(layout);
                    assert_eq!(pointer as usize % layout.align(), 0);
                    pointer.write_bytes(stamp, layout.size());
                    held.push((pointer, layout, stamp));
                }
                1 if !held.is_empty() => {
                    let at = usize::try_from(next(held.len() as u64)).unwrap();
                    let (pointer, old, stamp) = held.swap_remove(at);
                    let size = usize::try_from(1 + next(4_000)).unwrap();
                    let pointer = arena.realloc(pointer, old, size);
                    let kept = std::slice::from_raw_parts(pointer, old.size().min(size));
                    assert!(kept.iter().all(|byte| *byte == stamp));
                    pointer.write_bytes(stamp, size);
                    held.push((pointer, layout(size, old.align()), stamp));
                }
                _ if !held.is_empty() => {
                    let at = usize::try_from(next(held.len() as u64)).unwrap();
                    let (pointer, layout, stamp) = held.swap_remove(at);
                    let kept = std::slice::from_raw_parts(pointer, layout.size());
                    assert!(kept.iter().all(|byte| *byte == stamp));
                    arena.dealloc(pointer, layout);
                }
                _ => {}
            }
        }
    }
}
