//! Sizes, alignments, and how many core values a value takes.

use crate::value::Type;

/// The most core values that parameters are passed in; more are passed in memory.
pub(crate) const MAX_FLAT_PARAMS: usize = 16;
/// The most core values that a result is passed in.
pub(crate) const MAX_FLAT_RESULTS: usize = 1;

/// Bytes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: usize,
    pub(super) align: usize,
}

impl Layout {
    const fn scalar(size: usize) -> Layout {
        Layout { size, align: size }
    }
}

/// Adds fields one after another.
#[derive(Default)]
pub(super) struct Fields {
    size: usize,
    align: usize,
}

impl Fields {
    /// The offset of the next field.
    pub(super) fn next(&mut self, field: Layout) -> usize {
        let offset = self.size.next_multiple_of(field.align);
        self.size = offset + field.size;
        self.align = self.align.max(field.align);
        offset
    }

    pub(super) fn layout(&self) -> Layout {
        let align = self.align.max(1);
        Layout { size: self.size.next_multiple_of(align), align }
    }
}

pub(super) fn layout(ty: &Type) -> Layout {
    match ty {
        Type::Bool | Type::S8 | Type::U8 => Layout::scalar(1),
        Type::S16 | Type::U16 => Layout::scalar(2),
        Type::I32 | Type::S32 | Type::U32 | Type::F32 | Type::Char => Layout::scalar(4),
        Type::I64 | Type::S64 | Type::U64 | Type::F64 => Layout::scalar(8),
        Type::V128 => Layout::scalar(16),
        Type::String | Type::List(_) => Layout { size: 8, align: 4 },
        Type::Record(fields) => of_all(fields.iter().map(|(_, ty)| ty)),
        Type::Tuple(types) => of_all(types.iter()),
        Type::Variant(cases) => variant(cases.len(), cases.iter().map(|(_, ty)| ty.as_ref())).0,
        Type::Enum(cases) => Layout::scalar(discriminant(cases.len())),
        Type::Option(some) => variant(2, [None, Some(&**some)].into_iter()).0,
        Type::Result(types) => variant(2, [types.0.as_ref(), types.1.as_ref()].into_iter()).0,
        Type::Flags(names) => match names.len() {
            0..=8 => Layout::scalar(1),
            9..=16 => Layout::scalar(2),
            n => Layout { size: 4 * n.div_ceil(32), align: 4 },
        },
    }
}

pub(super) fn of_all<'a>(types: impl Iterator<Item = &'a Type>) -> Layout {
    let mut fields = Fields::default();
    for ty in types {
        fields.next(layout(ty));
    }
    fields.layout()
}

/// A variant's layout, and the offset of its payload.
pub(super) fn variant<'a>(cases: usize, payloads: impl Iterator<Item = Option<&'a Type>>) -> (Layout, usize) {
    let tag = Layout::scalar(discriminant(cases));
    let payload = payloads
        .flatten()
        .map(layout)
        .fold(Layout { size: 0, align: 1 }, |a, b| Layout { size: a.size.max(b.size), align: a.align.max(b.align) });
    let mut fields = Fields::default();
    fields.next(tag);
    let offset = fields.next(payload);
    (fields.layout(), offset)
}

/// Bytes that tell one of so many cases.
pub(super) fn discriminant(cases: usize) -> usize {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// How many core values a value takes on the stack.
pub(crate) fn flat_count(ty: &Type) -> usize {
    match ty {
        Type::String | Type::List(_) => 2,
        Type::Record(fields) => fields.iter().map(|(_, ty)| flat_count(ty)).sum(),
        Type::Tuple(types) => types.iter().map(flat_count).sum(),
        Type::Variant(cases) => 1 + cases.iter().flat_map(|(_, ty)| ty).map(flat_count).max().unwrap_or(0),
        Type::Option(some) => 1 + flat_count(some),
        Type::Result(types) => 1 + [&types.0, &types.1].into_iter().flatten().map(flat_count).max().unwrap_or(0),
        Type::Flags(names) => names.len().div_ceil(32),
        _ => 1,
    }
}
