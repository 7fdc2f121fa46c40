//! A guest's memory, to be written to by the host.

use crate::instrument::CardTable;
use std::ops::{Deref, Range};

/// The guest's own part of its memory, of which is marked what is written to.
pub(super) struct GuestMemoryMut<'m> {
    memory: &'m mut [u8],
    card_table: Option<CardTable>,
}

impl<'m> GuestMemoryMut<'m> {
    pub(super) fn new(memory: &'m mut [u8], card_table: Option<CardTable>) -> GuestMemoryMut<'m> {
        GuestMemoryMut { memory, card_table }
    }

    /// Memory without anything in front of it.
    pub(super) fn whole(memory: &'m mut [u8]) -> GuestMemoryMut<'m> {
        GuestMemoryMut { memory, card_table: None }
    }

    /// A range of it, to write to; none if it is not within memory.
    pub(super) fn write(&mut self, range: Range<usize>) -> Option<&mut [u8]> {
        let offset = self.card_table.map_or(0, |table| table.bytes as usize);
        let moved = range.start.checked_add(offset)?..range.end.checked_add(offset)?;
        if let Some(table) = &self.card_table {
            table.mark(self.memory, range.start, range.len());
        }
        self.memory.get_mut(moved)
    }
}

impl Deref for GuestMemoryMut<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(self.card_table.map_or(0, |table| table.bytes as usize)..).unwrap_or_default()
    }
}
