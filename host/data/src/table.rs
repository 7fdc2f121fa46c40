//! What rows have to give, and what is made of their results.

use purefork::value::Type;
use std::num::NonZero;

/// A name and the type of what is under it: a parameter, or a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name. Dashes and underscores are the same where a row gives a parameter by it.
    pub name: String,
    /// The type.
    pub ty: Type,
}

/// What becomes of a row that has a null for a parameter that is no option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nulls {
    /// It fails.
    #[default]
    Fail,
    /// Its result is null, and no call is made.
    Null,
}

/// What an input is read for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The function's name, for messages.
    pub function: String,
    /// What each row has to give: the parameters in order, without those that are the same for all rows. Where rows are given
    /// in batches, a parameter is a list, and this has the type of its elements.
    pub params: Vec<Column>,
    /// Whether fields and columns that the function does not take are errors.
    pub strict: bool,
    /// Whether the output keeps of a row its [columns](crate::Input::columns) alone, and a result is added to those: then a row fails that
    /// has more, which would be lost.
    pub columns_alone: bool,
    /// What becomes of nulls.
    pub nulls: Nulls,
    /// Whether a text has no header row: then its columns are the parameters in order.
    pub headless: bool,
    /// The name under which a result is added to its row's columns, which must not be one of them.
    pub into: Option<String>,
    /// How large a chunk of rows is.
    pub chunk: Chunk,
    /// How many bytes a row's text may have.
    pub longest: usize,
    /// Whether [`Rows::end`](crate::Rows::end) is asked for, which takes a digest of the input.
    pub marks: bool,
}

/// How large a chunk of rows is: as many whole rows as fit in `bytes`; one row may be larger. It depends on the input alone, and
/// where a chunk begins decides where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// About how many bytes of input, at the most, unless one row has more.
    pub bytes: usize,
    /// If given: a multiple of so many rows, at least one of them, unless `most` bytes or the input's end come before.
    pub rows: Option<NonZero<usize>>,
    /// The most bytes of a chunk of that many rows.
    pub most: usize,
}

/// What an output is made for.
#[derive(Clone, Debug)]
pub struct Table {
    /// The function's name, which a column is called by that has none of its own.
    pub function: String,
    /// The type of results: what is in `ok` of a `result`, what is in the list that is flattened or of a batch; none if the
    /// function gives nothing.
    pub result: Option<Type>,
    /// The name under which results are added to the input's columns; without it they take their place.
    pub into: Option<String>,
    /// The columns of the input, with `into`; what [`Rows::cells`](crate::Rows::cells) gives.
    pub columns: Vec<Column>,
    /// Whether there may be rows without a result: failed ones that are kept, or nulls.
    pub nullable: bool,
    /// Whether a text has no header row.
    pub headless: bool,
    /// Whether the output goes on behind what an interrupted run has written.
    pub resumed: bool,
    /// What that run had written and not handed to the file.
    pub pending: Vec<u8>,
}
