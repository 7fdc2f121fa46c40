//! Sizes, alignments and flat counts of types, as the canonical ABI has them.

use crate::value::{Name, Type};
use std::borrow::Cow;
use std::collections::HashMap;

/// The most core values for parameters; beyond that they are passed in memory.
pub(crate) const MAX_FLAT_PARAMS: usize = 16;
/// The most core values for a result; beyond that it is passed in memory.
pub(crate) const MAX_FLAT_RESULTS: usize = 1;

/// A type's size and alignment, in bytes.
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

/// Lays fields out one after another.
#[derive(Default)]
struct Fields {
    size: usize,
    align: usize,
}

impl Fields {
    /// Adds a field, and tells its offset.
    fn next(&mut self, field: Layout) -> usize {
        let offset = self.size.next_multiple_of(field.align);
        self.size = offset + field.size;
        self.align = self.align.max(field.align);
        offset
    }

    fn layout(&self) -> Layout {
        let align = self.align.max(1);
        Layout { size: self.size.next_multiple_of(align), align }
    }
}

/// A type with its layout and those of its parts. Made once for all values of the type: a guest may give a million values of a
/// type of ten thousand parts.
pub(crate) struct Shape<'a> {
    pub(super) ty: Cow<'a, Type>,
    pub(super) layout: Layout,
    /// As [`flat_count`].
    pub(super) flat: usize,
    pub(super) inner: Inner<'a>,
}

/// The parts of a type.
pub(super) enum Inner<'a> {
    /// It has none.
    Whole,
    /// A list's element.
    Element(Box<Shape<'a>>),
    /// A record's or a tuple's, each with its offset.
    Fields(Vec<(usize, Shape<'a>)>),
    /// A variant's, an enum's, an option's or a result's.
    Cases(Cases<'a>),
}

/// The cases of a type.
pub(super) struct Cases<'a> {
    pub(super) count: usize,
    /// The size of the discriminant, in bytes.
    pub(super) tag: usize,
    /// The offset of payloads.
    pub(super) offset: usize,
    /// None for an enum.
    pub(super) payloads: Vec<Option<Shape<'a>>>,
    /// The cases by name, if there are more than [`FEW`].
    numbers: Numbers<'a>,
}

/// The numbers of cases by their names.
type Numbers<'a> = HashMap<Cow<'a, str>, usize>;

/// Up to so many cases, a linear search is faster than a map.
const FEW: usize = 16;

impl<'a> Shape<'a> {
    pub(crate) fn of(ty: &'a Type) -> Shape<'a> {
        let scalar = |size| (Layout::scalar(size), 1, Inner::Whole);
        let (layout, flat, inner) = match ty {
            Type::Bool | Type::S8 | Type::U8 => scalar(1),
            Type::S16 | Type::U16 => scalar(2),
            Type::I32 | Type::S32 | Type::U32 | Type::F32 | Type::Char => scalar(4),
            Type::I64 | Type::S64 | Type::U64 | Type::F64 => scalar(8),
            Type::V128 => scalar(16),
            Type::String => (Layout { size: 8, align: 4 }, 2, Inner::Whole),
            Type::List(element) => (Layout { size: 8, align: 4 }, 2, Inner::Element(Box::new(Shape::of(element)))),
            Type::Record(fields) => Shape::fields(fields.iter().map(|(_, ty)| ty)),
            Type::Tuple(types) => Shape::fields(types.iter()),
            Type::Variant(cases) => Shape::cases(
                cases.len(),
                cases.iter().map(|(_, ty)| ty.as_ref()),
                numbers(cases.iter().map(|(name, _)| name)),
            ),
            Type::Enum(cases) => Shape::cases(cases.len(), [].into_iter(), numbers(cases.iter())),
            Type::Option(some) => Shape::cases(2, [None, Some(&**some)].into_iter(), HashMap::new()),
            Type::Result(types) => Shape::cases(2, [types.0.as_ref(), types.1.as_ref()].into_iter(), HashMap::new()),
            Type::Flags(names) => {
                let layout = match names.len() {
                    0..=8 => Layout::scalar(1),
                    9..=16 => Layout::scalar(2),
                    n => Layout { size: 4 * n.div_ceil(32), align: 4 },
                };
                (layout, names.len().div_ceil(32), Inner::Whole)
            }
        };
        Shape { ty: Cow::Borrowed(ty), layout, flat, inner }
    }

    /// The same for as long as it is kept, if it has no more than so many parts.
    pub(crate) fn kept(self, most: usize) -> Option<Shape<'static>> {
        let mut left = most;
        self.keep(&mut left)
    }

    fn keep(self, left: &mut usize) -> Option<Shape<'static>> {
        *left = left.checked_sub(1)?;
        let inner = match self.inner {
            Inner::Whole => Inner::Whole,
            Inner::Element(element) => Inner::Element(Box::new(element.keep(left)?)),
            Inner::Fields(fields) => {
                let kept = fields.into_iter().map(|(offset, shape)| Some((offset, shape.keep(left)?)));
                Inner::Fields(kept.collect::<Option<_>>()?)
            }
            Inner::Cases(Cases { count, tag, offset, payloads, numbers }) => {
                *left = left.checked_sub(count)?;
                let payloads = payloads.into_iter().map(|shape| match shape {
                    Some(shape) => shape.keep(left).map(Some),
                    None => Some(None),
                });
                let payloads = payloads.collect::<Option<_>>()?;
                let numbers = numbers.into_iter().map(|(name, number)| (Cow::Owned(name.into_owned()), number));
                Inner::Cases(Cases { count, tag, offset, payloads, numbers: numbers.collect() })
            }
        };
        Some(Shape { ty: Cow::Owned(self.ty.into_owned()), layout: self.layout, flat: self.flat, inner })
    }

    /// As [`flat_count`].
    pub(crate) fn flat_count(&self) -> usize {
        self.flat
    }

    /// Types one after another, as a tuple's.
    pub(super) fn all(types: impl Iterator<Item = &'a Type>) -> (Layout, Vec<(usize, Shape<'a>)>) {
        let mut fields = Fields::default();
        let shapes = types
            .map(|ty| {
                let shape = Shape::of(ty);
                (fields.next(shape.layout), shape)
            })
            .collect();
        (fields.layout(), shapes)
    }

    fn fields(types: impl Iterator<Item = &'a Type>) -> (Layout, usize, Inner<'a>) {
        let (layout, shapes) = Shape::all(types);
        (layout, shapes.iter().map(|(_, shape)| shape.flat).sum(), Inner::Fields(shapes))
    }

    fn cases(
        count: usize,
        payloads: impl Iterator<Item = Option<&'a Type>>,
        numbers: Numbers<'a>,
    ) -> (Layout, usize, Inner<'a>) {
        let payloads: Vec<_> = payloads.map(|ty| ty.map(Shape::of)).collect();
        let (mut largest, mut flat) = (Layout { size: 0, align: 1 }, 0);
        for shape in payloads.iter().flatten() {
            largest.size = largest.size.max(shape.layout.size);
            largest.align = largest.align.max(shape.layout.align);
            flat = flat.max(shape.flat);
        }
        let tag = discriminant(count);
        let mut fields = Fields::default();
        fields.next(Layout::scalar(tag));
        let offset = fields.next(largest);
        (fields.layout(), 1 + flat, Inner::Cases(Cases { count, tag, offset, payloads, numbers }))
    }
}

impl<'a> Cases<'a> {
    /// The payload of a case, if it has one.
    pub(super) fn payload(&self, number: usize) -> Option<&Shape<'a>> {
        self.payloads.get(number)?.as_ref()
    }

    /// The number of a named case.
    pub(super) fn number<'n>(&self, name: &str, mut names: impl Iterator<Item = &'n Name>) -> Option<usize> {
        if self.numbers.is_empty() {
            return names.position(|known| **known == *name);
        }
        self.numbers.get(name).copied()
    }
}

fn numbers<'a>(names: impl ExactSizeIterator<Item = &'a Name>) -> Numbers<'a> {
    if names.len() <= FEW {
        return HashMap::new();
    }
    names.enumerate().map(|(number, name)| (Cow::Borrowed(&**name), number)).collect()
}

/// The size of a discriminant, in bytes.
fn discriminant(cases: usize) -> usize {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// How many core values a value takes on the stack.
pub(crate) fn flat_count(ty: &Type) -> usize {
    ty.flat_count()
}
