//! What freezing reads of a guest that has run.

/// The state of a guest that has run.
pub(crate) trait State: Send {
    /// The memory that an instance exports by that name.
    fn memory(&mut self, instance: u32, name: &str) -> Option<&[u8]>;

    /// The bits of the global that an instance exports by that name. None for a reference.
    fn global(&mut self, instance: u32, name: &str) -> Option<u128>;
}
