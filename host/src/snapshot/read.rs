//! Gives wizer a guest's state.
//!
//! Wizer reads each memory twice: first to list the runs of bytes that are not zero, then to copy these. The list could take up to
//! twelve times the memory's size. So the first time it is given a memory in which each block with any nonzero byte is full of
//! ones. It then lists whole blocks, and copies them from the real memory.

use super::state::State;
use crate::ir::{Facts, ImportBinding, Recipe};
use std::collections::HashSet;
use wasmtime_wizer::{ComponentInstanceState, InstanceState, SnapshotVal, ValType};

/// The size of a block, in bytes. A data segment's header takes about ten.
const BLOCK: usize = 64;

/// The size of a page of the host, in bytes.
const PAGE: usize = 4 << 10;

/// wasmtime maps an image smaller than this, however sparse it is: `Config::memory_guaranteed_dense_image_size`.
const ALWAYS_MAPPED: usize = 16 << 20;

/// The instance through which wizer reads a component's state.
pub(super) const ACCESS: &str = "wasmtime:wizer/access";

/// Reads memories and globals, and notes if one is missing, as wizer's traits have no errors.
struct Reader<'a> {
    state: &'a mut dyn State,
    /// The memories that wizer has read once.
    shown: HashSet<(u32, String)>,
    missing: Option<String>,
}

impl Reader<'_> {
    fn memory(&mut self, instance: u32, name: &str, contents: impl FnOnce(&[u8])) {
        let first = self.shown.insert((instance, name.to_owned()));
        match self.state.memory(instance, name) {
            Some(memory) if first => contents(&blocks(memory)),
            Some(memory) => contents(memory),
            None => {
                self.missing = Some(name.to_owned());
                contents(&[]);
            }
        }
    }

    fn global(&mut self, instance: u32, name: &str) -> u128 {
        self.state.global(instance, name).unwrap_or_else(|| {
            self.missing = Some(name.to_owned());
            0
        })
    }

    fn complete(self) -> wasmtime::Result<()> {
        match self.missing {
            Some(name) => Err(wasmtime::format_err!("`{name}` cannot be read")),
            None => Ok(()),
        }
    }
}

/// A memory of the same size, with ones in each block that has any nonzero byte.
///
/// wasmtime maps an image if it is small, or at least half of it is data; else it copies the data into each new instance. Where
/// blocks of a page's size make an image dense enough, and small blocks do not, blocks have a page's size.
fn blocks(memory: &[u8]) -> Vec<u8> {
    let (blocks, image) = blocks_of(memory, BLOCK);
    if image.is_mapped() {
        return blocks;
    }
    let (pages, image) = blocks_of(memory, PAGE);
    if image.is_mapped() { pages } else { blocks }
}

/// The image that wasmtime would make of a memory's data: from its first byte to the last.
#[derive(Default)]
struct Image {
    span: usize,
    data: usize,
}

impl Image {
    fn is_mapped(&self) -> bool {
        self.span < ALWAYS_MAPPED || self.span < 2 * self.data
    }
}

fn blocks_of(memory: &[u8], size: usize) -> (Vec<u8>, Image) {
    let (mut image, mut first) = (Image::default(), None);
    let mut blocks = vec![0; memory.len()];
    for (number, (block, of)) in blocks.chunks_mut(size).zip(memory.chunks(size)).enumerate() {
        if of.iter().fold(0, |all, byte| all | byte) != 0 {
            block.fill(1);
            let start = number * size;
            image.data += of.len();
            image.span = start + of.len() - *first.get_or_insert(start);
        }
    }
    (blocks, image)
}

/// The state of a core module, which has one instance.
pub(super) struct Whole<'a>(Reader<'a>);

impl<'a> Whole<'a> {
    pub(super) fn new(state: &'a mut dyn State) -> Whole<'a> {
        Whole(Reader { state, shown: HashSet::new(), missing: None })
    }

    /// Fails if anything that wizer read was missing.
    pub(super) fn complete(self) -> wasmtime::Result<()> {
        self.0.complete()
    }
}

impl InstanceState for Whole<'_> {
    async fn global_get(&mut self, name: &str, ty: ValType) -> SnapshotVal {
        let bits = self.0.global(0, name);
        match ty {
            ValType::I32 => SnapshotVal::I32((bits as u32).cast_signed()),
            ValType::I64 => SnapshotVal::I64((bits as u64).cast_signed()),
            ValType::F32 => SnapshotVal::F32(bits as u32),
            ValType::F64 => SnapshotVal::F64(bits as u64),
            // `check` has refused references.
            ValType::V128 | ValType::Ref(_) => SnapshotVal::V128(bits),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        self.0.memory(0, name, contents);
    }
}

/// The state of a component.
///
/// Wizer adds an instance with functions that read the state. They are not called: they would grow the memories to return them.
/// Instead, what they would read is read: the imports of that instance, in the order of its functions.
pub(super) struct Parts<'a> {
    reader: Reader<'a>,
    /// The imports of the added instance.
    read: &'a [ImportBinding],
}

impl<'a> Parts<'a> {
    pub(super) fn new(facts: &Facts, recipe: &'a Recipe, state: &'a mut dyn State) -> Parts<'a> {
        let prefix = format!("{ACCESS}#");
        let access = facts.functions.iter().find(|function| function.name.starts_with(&prefix));
        let step = access.and_then(|function| recipe.steps.get(function.core.export.instance as usize));
        let read = step.map(|step| step.imports.as_slice()).unwrap_or_default();
        Parts { reader: Reader { state, shown: HashSet::new(), missing: None }, read }
    }

    /// As [`Whole::complete`].
    pub(super) fn complete(self) -> wasmtime::Result<()> {
        self.reader.complete()
    }

    /// What the function of that name would read: the instance and the export.
    fn item(&mut self, function: &str) -> Option<(u32, &'a str)> {
        let number = function.trim_start_matches(|c: char| !c.is_ascii_digit());
        match number.parse().ok().and_then(|number: usize| self.read.get(number)) {
            Some(ImportBinding::Item(item)) => Some((item.instance, &item.name)),
            _ => {
                self.reader.missing = Some(function.to_owned());
                None
            }
        }
    }

    fn global(&mut self, function: &str) -> u128 {
        match self.item(function) {
            Some((instance, name)) => self.reader.global(instance, name),
            None => 0,
        }
    }
}

impl ComponentInstanceState for Parts<'_> {
    async fn call_func_ret_list_u8(&mut self, _: &str, function: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.item(function) {
            Some((instance, name)) => self.reader.memory(instance, name, contents),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, _: &str, function: &str) -> i32 {
        (self.global(function) as u32).cast_signed()
    }

    async fn call_func_ret_s64(&mut self, _: &str, function: &str) -> i64 {
        (self.global(function) as u64).cast_signed()
    }

    async fn call_func_ret_f32(&mut self, _: &str, function: &str) -> u32 {
        self.global(function) as u32
    }

    async fn call_func_ret_f64(&mut self, _: &str, function: &str) -> u64 {
        self.global(function) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS_MAPPED, BLOCK, PAGE, blocks};

    /// What wizer is given of a memory whose bytes at these addresses are not zero.
    fn shown(len: usize, at: impl IntoIterator<Item = usize>) -> Vec<u8> {
        let mut memory = vec![0; len];
        for at in at {
            memory[at] = 9;
        }
        blocks(&memory)
    }

    #[test]
    fn a_block_with_anything_in_it_is_shown_as_a_whole() {
        let len = 4 * BLOCK + 3;
        let expected: Vec<u8> = (0..len).map(|at| u8::from(at / BLOCK == 1 || at / BLOCK == 4)).collect();
        assert_eq!(shown(len, [BLOCK + 7, 4 * BLOCK + 2]), expected);
        assert_eq!(shown(len, []), vec![0; len]);
    }

    #[test]
    fn pages_are_shown_where_they_make_a_large_image_dense() {
        let count = |shown: Vec<u8>| shown.into_iter().map(usize::from).sum::<usize>();
        let of = |span: usize, step: usize| count(shown(2 * ALWAYS_MAPPED, (PAGE..PAGE + span).step_by(step)));
        // Data in every page: pages, unless the image is small.
        assert_eq!(of(ALWAYS_MAPPED + PAGE, PAGE), ALWAYS_MAPPED + PAGE);
        assert_eq!(of(ALWAYS_MAPPED / 2, PAGE), ALWAYS_MAPPED / 2 / PAGE * BLOCK);
        // Data in every third page: pages are not dense enough either, so small blocks.
        assert_eq!(of(ALWAYS_MAPPED + 3 * PAGE, 3 * PAGE), (ALWAYS_MAPPED / PAGE / 3 + 2) * BLOCK);
        // Data in every second small block is dense enough.
        assert_eq!(of(ALWAYS_MAPPED + PAGE, 2 * BLOCK), (ALWAYS_MAPPED + PAGE) / 2);
    }
}
