//! Where records and fields begin and end.

use crate::text::{Span, Splitter};
use memchr::memchr;

/// Where a reader of records is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a record: ends of lines are skipped.
    Record,
    /// Before a field.
    Field,
    /// In a field without quotes, or behind the quotes of one.
    Bare,
    /// In quotes.
    Quoted,
    /// Behind a quote in quotes, which may be the first of two.
    Quote,
}

/// What finds records.
pub(super) fn splitter(delimiter: u8) -> Splitter {
    match delimiter {
        b'\t' => records::<b'\t'>,
        _ => records::<b','>,
    }
}

fn records<const DELIMITER: u8>(text: &[u8], ended: bool, spans: &mut Vec<Span>) {
    let (mut state, mut start, mut line, mut lines) = (State::Record, 0, 0, 0);
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        match (state, byte) {
            (State::Record, b'\r') => {}
            (State::Record, b'\n') => lines += 1,
            (State::Quoted, b'"') => state = State::Quote,
            (State::Quoted, _) => {
                let end = memchr(b'"', &text[at..]).map_or(text.len(), |length| at + length);
                lines += text[at..end].iter().filter(|byte| **byte == b'\n').count() as u32;
                at = end;
                continue;
            }
            (State::Quote, b'"') => state = State::Quoted,
            (_, b'\r' | b'\n') => {
                let after = at + 1;
                spans.push(Span { start, end: at as u32, after: after as u32, line });
                lines += u32::from(byte == b'\n');
                state = State::Record;
            }
            (State::Record | State::Field, _) => {
                if state == State::Record {
                    (start, line) = (at as u32, lines);
                }
                state = match byte {
                    b'"' => State::Quoted,
                    _ if byte == DELIMITER => State::Field,
                    _ => State::Bare,
                };
            }
            (State::Bare | State::Quote, _) => {
                state = if byte == DELIMITER { State::Field } else { State::Bare };
            }
        }
        at += 1;
    }
    if ended && state != State::Record {
        spans.push(Span { start, end: text.len() as u32, after: text.len() as u32, line });
    }
}

/// The fields of a record, without their quotes.
#[derive(Default)]
pub(super) struct Fields {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    /// Reads a record; false if its last quote is not closed.
    pub(super) fn read(&mut self, record: &[u8], delimiter: u8) -> bool {
        self.text.clear();
        self.ends.clear();
        let mut state = State::Field;
        for byte in record {
            let (next, kept) = match (state, *byte) {
                (State::Quoted, b'"') => (State::Quote, false),
                (State::Quoted, _) => (State::Quoted, true),
                (State::Quote, b'"') => (State::Quoted, true),
                (State::Field | State::Record, b'"') => (State::Quoted, false),
                (_, byte) if byte == delimiter => {
                    self.ends.push(self.text.len());
                    (State::Field, false)
                }
                _ => (State::Bare, true),
            };
            if kept {
                self.text.push(*byte);
            }
            state = next;
        }
        self.ends.push(self.text.len());
        state != State::Quoted
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.text[start..end])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the core of the csv crate makes of a text.
    fn expected(mut text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv_core::Reader::new();
        let (mut records, mut fields, mut field) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let mut output = [0; 64];
            let (result, read, written) = reader.read_field(text, &mut output);
            text = &text[read..];
            field.extend_from_slice(&output[..written]);
            match result {
                csv_core::ReadFieldResult::Field { record_end } => {
                    fields.push(std::mem::take(&mut field));
                    if record_end {
                        records.push(std::mem::take(&mut fields));
                    }
                }
                csv_core::ReadFieldResult::End => return records,
                csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            }
        }
    }

    fn found(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut spans = Vec::new();
        splitter(b',')(text, true, &mut spans);
        let mut fields = Fields::default();
        let record = |span: &Span| {
            fields.read(&text[span.start as usize..span.end as usize], b',');
            fields.iter().map(<[u8]>::to_vec).collect()
        };
        spans.iter().map(record).collect()
    }

    proptest! {
        #[test]
        fn records_are_those_of_the_csv_crate(text in "[a\",\r\n]{0,40}") {
            prop_assert_eq!(found(text.as_bytes()), expected(text.as_bytes()));
        }

        #[test]
        fn a_text_can_be_cut_where_a_record_ends(text in "[a\",\r\n]{0,40}") {
            let text = text.as_bytes();
            let mut spans = Vec::new();
            splitter(b',')(text, true, &mut spans);
            for span in &spans {
                let (before, after) = text.split_at(span.after as usize);
                let both = [found(before), found(after)].concat();
                prop_assert_eq!(both, found(text));
            }
        }
    }
}
