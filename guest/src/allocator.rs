//! The global allocator of a guest: first a part of the module's own memory, then std's allocator.
//!
//! A compiled module's memory ends where its data ends, so an ordinary allocator grows it at the first
//! allocation of every call. Growing is a system call, and a sandbox whose memory grew is not used again.
//! Here the first 256 KiB are part of the initial memory. They are zeros: they take no room in the file,
//! and no time until they are touched.
//!
//! Within them a block is put after the one before, and only the last can be freed or moved: a few
//! instructions each, no lists to set up, and all that a short call writes lies side by side. What a call
//! leaves behind there is gone when the call ends. When they are full, `std::alloc::System` takes over, so a
//! long call wastes 256 KiB and no more.
//!
//! What a function marked `#[init]` keeps is never freed, and would fill the arena for all later calls. So while one runs
//! nothing new is put there; and what it frees beyond is made zeros, since its memory becomes a part of a file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const SIZE: usize = 256 << 10;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

/// As [`Allocator::init`], of the allocator of this guest.
#[cfg(target_arch = "wasm32")]
pub(crate) fn init<T>(load: impl FnOnce() -> T) -> T {
    ALLOCATOR.init(load)
}

struct Allocator {
    arena: Arena,
    /// Where the free part of the arena begins.
    top: AtomicUsize,
    /// Where it ends: at 0 while a function marked `#[init]` runs.
    end: AtomicUsize,
}

/// Aligned to a page of what a sandbox puts back.
#[repr(align(4096))]
struct Arena(UnsafeCell<[u8; SIZE]>);

// SAFETY: the arena is handed out in parts that do not overlap, and never referred to as a whole. The numbers are read and
// then written, which is no race, since without atomics there is one thread.
#[cfg(not(target_feature = "atomics"))]
unsafe impl Sync for Allocator {}

impl Allocator {
    const fn new() -> Allocator {
        Allocator { arena: Arena(UnsafeCell::new([0; SIZE])), top: AtomicUsize::new(0), end: AtomicUsize::new(SIZE) }
    }

    /// Runs what loads the state that all calls start from. The arena stays theirs, and when it is full there is room.
    fn init<T>(&self, load: impl FnOnce() -> T) -> T {
        self.end.store(0, Relaxed);
        let result = load();
        // `System` grows the memory by little more than it is asked for, and keeps what it got.
        let mut room = Vec::<u8>::new();
        let _ = room.try_reserve_exact(SIZE);
        drop(black_box(room));
        self.end.store(SIZE, Relaxed);
        result
    }

    fn is_loading(&self) -> bool {
        self.end.load(Relaxed) == 0
    }

    /// The place in the arena of a block that is within it.
    fn place(&self, block: *mut u8) -> Option<usize> {
        let place = block.addr().wrapping_sub(self.arena.0.get().addr());
        (place < SIZE).then_some(place)
    }

    /// Whether the block is the last one in the arena.
    fn is_last(&self, place: usize, layout: Layout) -> bool {
        place + layout.size() == self.top.load(Relaxed)
    }

    fn in_arena(&self, layout: Layout) -> Option<*mut u8> {
        // The arena's own alignment covers what is asked for, or the block is not for the arena.
        let align = layout.align();
        let place = (self.top.load(Relaxed) + align - 1) & !(align - 1);
        let end = place.checked_add(layout.size())?;
        if end > self.end.load(Relaxed) || align > align_of::<Arena>() {
            return None;
        }
        self.top.store(end, Relaxed);
        Some(self.arena.0.get().cast::<u8>().wrapping_add(place))
    }
}

// SAFETY: blocks in the arena do not overlap: each begins where all before it end, and `top` goes back only to the
// start of the last. All others are `System`'s, which gets back what it gave, told apart by address.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as this function's caller promised.
        self.in_arena(layout).unwrap_or_else(|| unsafe { beyond::alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match self.in_arena(layout) {
            Some(block) => {
                // SAFETY: the block was made for `layout` just now; what was freed before it may have left its bytes.
                unsafe { block.write_bytes(0, layout.size()) };
                block
            }
            // SAFETY: as this function's caller promised.
            None => unsafe { beyond::alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.place(block) {
            Some(place) if self.is_last(place, layout) => self.top.store(place, Relaxed),
            Some(_) => {}
            // SAFETY: a block outside of the arena was `System`'s.
            None => unsafe { beyond::dealloc(block, layout, self.is_loading()) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(place) = self.place(block) else {
            // SAFETY: a block outside of the arena was `System`'s.
            return unsafe { beyond::realloc(block, layout, size, self.is_loading()) };
        };
        if self.is_last(place, layout) && place.saturating_add(size) <= self.end.load(Relaxed) {
            self.top.store(place + size, Relaxed);
            return block;
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the caller promised that `size` makes a layout; the new block is apart from the old one, and longer.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size());
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// `System`, out of the way: what is inlined everywhere should be the arena alone.
mod beyond {
    use super::{GlobalAlloc, Layout, System};

    #[cold]
    #[inline(never)]
    pub(super) unsafe fn alloc(layout: Layout) -> *mut u8 {
        // SAFETY: as this function's caller promised.
        unsafe { System.alloc(layout) }
    }

    #[cold]
    #[inline(never)]
    pub(super) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
        // SAFETY: as this function's caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[cold]
    #[inline(never)]
    pub(super) unsafe fn dealloc(block: *mut u8, layout: Layout, clear: bool) {
        // SAFETY: as this function's caller promised; nobody reads the block any more.
        unsafe {
            if clear {
                block.write_bytes(0, layout.size());
            }
            System.dealloc(block, layout)
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) unsafe fn realloc(block: *mut u8, layout: Layout, size: usize, clear: bool) -> *mut u8 {
        // SAFETY: as this function's caller promised; the new block is apart from the old one.
        unsafe {
            if !clear {
                return System.realloc(block, layout, size);
            }
            let moved = System.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                dealloc(block, layout, clear);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Allocator, GlobalAlloc, Layout, SIZE};

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn the_last_block_is_freed_and_moved_in_place() {
        static ALLOCATOR: Allocator = Allocator::new();
        // SAFETY: every block is given back with its own layout.
        unsafe {
            let a = ALLOCATOR.alloc(layout(10, 1));
            let b = ALLOCATOR.alloc(layout(10, 8));
            assert_eq!(b.addr() - a.addr(), 16);
            assert_eq!(ALLOCATOR.realloc(b, layout(10, 8), 1000), b);
            ALLOCATOR.dealloc(b, layout(1000, 8));
            assert_eq!(ALLOCATOR.alloc_zeroed(layout(24, 8)), b);
            ALLOCATOR.dealloc(a, layout(10, 1));
            assert_eq!(ALLOCATOR.alloc(layout(1, 1)).addr() - b.addr(), 24);
        }
    }

    #[test]
    fn what_does_not_fit_is_elsewhere() {
        static ALLOCATOR: Allocator = Allocator::new();
        // SAFETY: every block is given back with its own layout.
        unsafe {
            let whole = ALLOCATOR.alloc(layout(SIZE, 4096));
            assert_eq!(ALLOCATOR.place(whole), Some(0));
            let beyond = ALLOCATOR.alloc(layout(1, 1));
            assert_eq!(ALLOCATOR.place(beyond), None);
            let beyond = ALLOCATOR.realloc(beyond, layout(1, 1), 100);
            ALLOCATOR.dealloc(beyond, layout(100, 1));
            let moved = ALLOCATOR.realloc(whole, layout(SIZE, 4096), SIZE + 1);
            assert_eq!(ALLOCATOR.place(moved), None);
            ALLOCATOR.dealloc(moved, layout(SIZE + 1, 4096));
            assert_eq!(ALLOCATOR.place(ALLOCATOR.alloc(layout(1, 1))), Some(0));
            let wide = ALLOCATOR.alloc(layout(1, 8192));
            assert_eq!((wide.addr() % 8192, ALLOCATOR.place(wide)), (0, None));
            ALLOCATOR.dealloc(wide, layout(1, 8192));
        }
    }

    #[test]
    fn what_is_loaded_leaves_the_arena_to_the_calls_that_follow() {
        static ALLOCATOR: Allocator = Allocator::new();
        // SAFETY: every block is given back with its own layout.
        unsafe {
            let argument = ALLOCATOR.alloc(layout(10, 1));
            ALLOCATOR.init(|| {
                assert_eq!(ALLOCATOR.realloc(argument, layout(10, 1), 5), argument);
                let kept = ALLOCATOR.alloc(layout(10, 1));
                assert_eq!(ALLOCATOR.place(kept), None);
                kept.write_bytes(7, 10);
                let kept = ALLOCATOR.realloc(kept, layout(10, 1), 20);
                assert_eq!(std::slice::from_raw_parts(kept, 10), [7; 10]);
                let moved = ALLOCATOR.realloc(argument, layout(5, 1), 20);
                assert_eq!(ALLOCATOR.place(moved), None);
                ALLOCATOR.dealloc(moved, layout(20, 1));
                ALLOCATOR.dealloc(kept, layout(20, 1));
            });
            assert_eq!(ALLOCATOR.place(ALLOCATOR.alloc(layout(1, 1))), Some(10));
        }
    }

    /// Random blocks, each full of a byte of its own: none changes another.
    #[test]
    fn blocks_keep_what_is_in_them() {
        static ALLOCATOR: Allocator = Allocator::new();
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut blocks: Vec<(*mut u8, Layout, u8)> = Vec::new();
        // SAFETY: every block is written and read within its layout, and given back with it.
        unsafe {
            for round in 0..if cfg!(miri) { 500 } else { 20_000 } {
                let byte = round as u8;
                let most = [16, 300, 20_000][random(3)];
                let size = 1 + random(most);
                match random(3) {
                    0 if !blocks.is_empty() => {
                        let (block, layout, _) = blocks.swap_remove(random(blocks.len()));
                        ALLOCATOR.dealloc(block, layout);
                    }
                    1 if !blocks.is_empty() => {
                        let place = random(blocks.len());
                        let (block, old, full_of) = blocks[place];
                        let block = ALLOCATOR.realloc(block, old, size);
                        let kept = std::slice::from_raw_parts(block, size.min(old.size()));
                        assert!(kept.iter().all(|byte| *byte == full_of));
                        block.write_bytes(byte, size);
                        blocks[place] = (block, layout(size, old.align()), byte);
                    }
                    _ => {
                        let layout = layout(size, 1 << random(5));
                        let block = ALLOCATOR.alloc_zeroed(layout);
                        assert_eq!(block.addr() % layout.align(), 0);
                        assert!(std::slice::from_raw_parts(block, size).iter().all(|byte| *byte == 0));
                        block.write_bytes(byte, size);
                        blocks.push((block, layout, byte));
                    }
                }
                if blocks.len() > 40 {
                    let (block, layout, _) = blocks.remove(0);
                    ALLOCATOR.dealloc(block, layout);
                }
                for (block, layout, full_of) in &blocks {
                    assert_eq!((block.read(), block.add(layout.size() - 1).read()), (*full_of, *full_of));
                }
            }
            for (block, layout, _) in blocks {
                ALLOCATOR.dealloc(block, layout);
            }
        }
    }
}
