//! Files that a call looked for and was not given.

use std::collections::VecDeque;

/// So many are noted: a program that looks where its configuration may lie, or its modules, looks in many places.
const NOTED: usize = 3;

/// Notes of the files that a call looked for in vain: the last, as what ends a program is most likely among them.
#[derive(Default)]
pub(super) struct MissingFiles {
    last: VecDeque<String>,
    others: Option<String>,
}

impl MissingFiles {
    pub(super) fn note(&mut self, note: String) {
        self.last.retain(|known| *known != note);
        self.last.push_back(note);
        if self.last.len() > NOTED {
            self.last.pop_front();
            self.others.get_or_insert_with(|| "looked for other files before, which were not given".to_owned());
        }
    }

    pub(super) fn notes(&self) -> impl Iterator<Item = &String> {
        self.others.iter().chain(&self.last)
    }
}
