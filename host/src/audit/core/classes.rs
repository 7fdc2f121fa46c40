//! Which types of functions an indirect call may not tell apart.
//!
//! A call through one type reaches functions of every subtype of it. Subtypes are declared, and types that are declared twice are one,
//! which is a question of whole groups of types. Here a coarser one is asked that is sure to include it: types whose
//! parameters and results are the same but for what references refer to are of one class; and so are a type and its supertype.

use crate::audit::features::Valid;
use std::collections::HashMap;
use wasmparser::{FuncType, ValType};

/// The classes of a module's function types.
pub(super) struct Classes {
    /// For each shape, its class.
    of: HashMap<Box<[u8]>, u32>,
    /// How many there are.
    pub(super) count: u32,
}

impl Classes {
    pub(super) fn new(valid: &Valid) -> Classes {
        let mut of: HashMap<Box<[u8]>, u32> = HashMap::new();
        let types = || (0..valid.types.as_ref().core_type_count_in_module()).filter_map(|index| valid.type_at(index));
        for ty in types() {
            let next = of.len() as u32;
            of.entry(shape(ty)).or_insert(next);
        }
        let mut sets = Sets((0..of.len() as u32).collect());
        for index in 0..valid.types.as_ref().core_type_count_in_module() {
            if let Some(ty) = valid.type_at(index)
                && let Some(supertype) = valid.supertype(index)
                && let (Some(a), Some(b)) = (of.get(&shape(ty)), of.get(&shape(supertype)))
            {
                sets.unite(*a, *b);
            }
        }
        // Numbered without gaps.
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut by_number: Vec<_> = of.into_iter().collect();
        by_number.sort_unstable_by_key(|(_, number)| *number);
        let of = by_number.into_iter().map(|(shape, number)| {
            let next = numbers.len() as u32;
            (shape, *numbers.entry(sets.find(number)).or_insert(next))
        });
        let of = of.collect();
        Classes { of, count: numbers.len() as u32 }
    }

    /// The class of a type of the module's.
    pub(super) fn of(&self, ty: &FuncType) -> Option<u32> {
        self.of.get(&shape(ty)).copied()
    }
}

/// A type without what its references refer to.
fn shape(ty: &FuncType) -> Box<[u8]> {
    let letter = |ty: &ValType| match ty {
        ValType::I32 => b'i',
        ValType::I64 => b'I',
        ValType::F32 => b'f',
        ValType::F64 => b'F',
        ValType::V128 => b'v',
        ValType::Ref(_) => b'r',
    };
    ty.params().iter().map(letter).chain([b'>']).chain(ty.results().iter().map(letter)).collect()
}

/// Sets of numbers, each of which has one of its own for a name.
struct Sets(Vec<u32>);

impl Sets {
    fn find(&mut self, mut number: u32) -> u32 {
        while self.0[number as usize] != number {
            // Halves the way for the next who goes it.
            self.0[number as usize] = self.0[self.0[number as usize] as usize];
            number = self.0[number as usize];
        }
        number
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::features::validate;
    use crate::ir::proposals::CORE;

    #[test]
    fn types_are_of_one_class_where_a_call_through_one_may_reach_functions_of_the_other() {
        let text = r#"(module
            (type $a (func (param i32)))
            (type $again (func (param i32)))
            (type $b (func (param i64)))
            (type $s (struct))
            (type $of_s (func (result (ref $s))))
            (type $of_any (func (result anyref)))
            (rec (type $top (sub (func (param i32 i32) (result anyref)))) (type $pair (struct (field (ref $top)))))
            (type $below (sub $top (func (param i32 i32) (result (ref $pair)))))
            (type $other (func (param i32 i32))))"#;
        let valid = validate(&wat::parse_str(text).unwrap(), CORE).unwrap();
        assert!(valid.missing.is_empty());
        let classes = Classes::new(&valid);
        let types = (0..valid.types.as_ref().core_type_count_in_module()).map(|index| valid.type_at(index));
        let found: Vec<_> = types.map(|ty| ty.and_then(|ty| classes.of(ty))).collect();
        let expected = [Some(0), Some(0), Some(1), None, Some(2), Some(2), Some(3), None, Some(3), Some(4)];
        assert_eq!((found.as_slice(), classes.count), (expected.as_slice(), 5));
        // Shapes may differ only by what is declared.
        let text = r#"(module
            (type $top (sub (func (result anyref))))
            (type $of_i31 (sub $top (func (result i31ref))))
            (type $alone (func (result i32))))"#;
        let valid = validate(&wat::parse_str(text).unwrap(), CORE).unwrap();
        assert_eq!(Classes::new(&valid).count, 2);
    }
}
