//! Values → array → values.

use super::generate::columns;
use crate::read::{Cells, cells};
use crate::{ResultBuilder, Variants, read, write};
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::concat::concat;
use arrow_select::take::take;
use proptest::prelude::*;
use purefork::Value;
use purefork::value::Type;

pub(super) fn array(ty: &Type, values: &[Option<Value>], variants: Variants) -> ArrayRef {
    let mut builder = ResultBuilder::new(ty, variants).unwrap();
    for value in values {
        match value {
            Some(value) => builder.push(value).unwrap(),
            None => builder.push_null(),
        }
    }
    builder.finish().unwrap()
}

pub(super) fn values(array: &ArrayRef, ty: &Type) -> Vec<Option<Value>> {
    let cells = cells(array, ty).unwrap();
    (0..array.len()).map(|row| if cells.is_null(row) { None } else { Some(cells.get(row).unwrap()) }).collect()
}

fn variants() -> impl Strategy<Value = Variants> {
    prop_oneof![Just(Variants::Union), Just(Variants::Structure)]
}

proptest! {
    #[test]
    fn values_come_out_of_an_array_as_they_went_in((ty, given) in columns(), variants in variants()) {
        let array = array(&ty, &given, variants);
        array.to_data().validate_full().unwrap();
        prop_assert_eq!(values(&array, &ty), given);
    }

    #[test]
    fn a_slice_is_read_as_a_copy_of_it(
        (ty, given) in columns(),
        variants in variants(),
        start in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
    ) {
        let array = array(&ty, &given, variants);
        let (start, end) = (start.index(given.len() + 1), end.index(given.len() + 1));
        let (start, end) = (start.min(end), start.max(end));
        let slice = array.slice(start, end - start);
        prop_assert_eq!(values(&slice, &ty), &given[start..end]);
        // A slice of a slice, and a null buffer that does not begin at a whole byte.
        if end - start > 2 {
            let inner = slice.slice(1, end - start - 2);
            prop_assert_eq!(values(&inner, &ty), &given[start + 1..end - 1]);
        }
    }

    #[test]
    fn what_is_put_together_and_taken_apart_is_read_as_it_stands((ty, given) in columns(), variants in variants()) {
        let whole = array(&ty, &given, variants);
        let middle = given.len() / 2;
        let parts = [whole.slice(middle, given.len() - middle), whole.slice(0, middle)];
        let turned = concat(&[&parts[0], &parts[1]]).unwrap();
        let expected: Vec<_> = given[middle..].iter().chain(&given[..middle]).cloned().collect();
        prop_assert_eq!(values(&turned, &ty), expected);
        let backwards = UInt32Array::from_iter_values((0..given.len() as u32).rev());
        let taken = take(&whole, &backwards, None).unwrap();
        prop_assert_eq!(values(&taken, &ty), given.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_list_of_rows_is_the_rows_one_by_one((ty, given) in columns(), variants in variants()) {
        let array = array(&ty, &given, variants);
        let cells = cells(&array, &ty).unwrap();
        for start in 0..=given.len() {
            let rows = &given[start..];
            match cells.list(start..given.len()) {
                Ok(list) => prop_assert_eq!(list.iter().map(Some).collect::<Vec<_>>(), rows),
                Err(_) => prop_assert!(rows.iter().any(Option::is_none)),
            }
        }
    }

    #[test]
    fn a_list_of_results_is_the_results_one_by_one((ty, given) in columns(), variants in variants()) {
        let given: Vec<Value> = given.into_iter().flatten().collect();
        let one_by_one = array(&ty, &given.iter().cloned().map(Some).collect::<Vec<_>>(), variants);
        let mut builder = ResultBuilder::new(&ty, variants).unwrap();
        let (first, second) = given.split_at(given.len() / 2);
        builder.extend(first.to_vec().into()).unwrap();
        builder.extend(second.to_vec().into()).unwrap();
        prop_assert_eq!(&builder.finish().unwrap().to_data(), &one_by_one.to_data());
    }

    #[test]
    fn what_a_column_is_said_to_be_it_is((ty, given) in columns(), variants in variants()) {
        let said = write::data_type(&ty, variants).unwrap();
        let array = array(&ty, &given, variants);
        prop_assert_eq!(array.data_type(), &said);
        prop_assert!(read::check(&said, &ty).is_ok());
    }

    #[test]
    fn a_value_of_another_type_leaves_the_column_as_it_was((ty, given) in columns(), variants in variants()) {
        let mut builder = ResultBuilder::new(&ty, variants).unwrap();
        let expected = array(&ty, &given, variants);
        // Of some types it is half right.
        let wrong = Value::record([("n0", Value::Bool(true)), ("n1", Value::tuple([])), ("n2", Value::tuple([]))]);
        for value in &given {
            let len = builder.len();
            if builder.push(&wrong).is_ok() {
                builder.truncate(len);
            }
            match value {
                Some(value) => builder.push(value).unwrap(),
                None => builder.push_null(),
            }
        }
        prop_assert_eq!(&builder.finish().unwrap().to_data(), &expected.to_data());
    }

    #[test]
    fn what_is_truncated_is_as_if_it_had_not_been((ty, given) in columns(), variants in variants()) {
        let mut builder = ResultBuilder::new(&ty, variants).unwrap();
        for value in given.iter().chain(&given) {
            match value {
                Some(value) => builder.push(value).unwrap(),
                None => builder.push_null(),
            }
        }
        builder.truncate(given.len());
        let built = builder.finish().unwrap();
        prop_assert_eq!(values(&built, &ty), given);
    }
}

#[test]
fn text_of_more_than_two_gigabytes_is_refused_and_nothing_added() {
    let mut builder = ResultBuilder::new(&Type::String, Variants::Union).unwrap();
    let text = Value::from("x".repeat(1 << 30));
    builder.push(&text).unwrap();
    let error = builder.push(&text).unwrap_err();
    assert_eq!(
        error.message(),
        "the result: an array holds 2147483647 bytes or elements, but they would be 2147483648: take smaller batches"
    );
    assert_eq!(builder.len(), 1);
    let _: &dyn Cells = &*cells(&builder.finish().unwrap(), &Type::String).unwrap();
}
