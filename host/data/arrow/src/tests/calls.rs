//! Calls with the rows of columns.

use crate::{Bind, Binding, Calling, Error, Errors, Nulls, call_array, map_batches, reduce};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use expect_test::expect;
use proptest::prelude::*;
use purefork::{Args, Executor, Function, Module, Value};
use std::num::NonZero;
use std::sync::{Arc, LazyLock};

/// One for all tests, as a module is compiled once.
pub(super) static GUEST: LazyLock<(Executor, Module)> = LazyLock::new(|| {
    let exec = Executor::builder().threads(2).build().unwrap();
    let module = exec.load_bytes(include_str!("guest.wat")).unwrap();
    (exec, module)
});

fn function(name: &str) -> Function<Args, Value> {
    GUEST.1.function::<Args, Value>(name).unwrap()
}

fn bind(name: &str, types: &[DataType], bind: &Bind) -> crate::Result<Arc<Binding>> {
    Binding::by_position(types, GUEST.1.inspect().function(name).unwrap(), bind).map(Arc::new)
}

fn numbers(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

fn size(size: usize) -> NonZero<usize> {
    NonZero::new(size).unwrap()
}

/// The results of a column, by a function and in pieces of some size; and the errors.
fn doubled(column: &ArrayRef, batch: bool, rows: usize, errors: Errors) -> crate::Result<(Vec<Option<i64>>, Vec<u64>)> {
    let name = if batch { "many" } else { "one" };
    let binding = bind(name, &[column.data_type().clone()], &Bind::new().batch(batch).nulls(Nulls::Null))?;
    let calling = Calling::new().rows(size(rows)).errors(errors);
    let (array, errors) = call_array(&function(name), &binding, std::slice::from_ref(column), column.len(), &calling)?;
    Ok((array.as_primitive::<Int64Type>().iter().collect(), errors.iter().filter_map(Error::row).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_and_batches_of_any_size_give_the_same(
        values in proptest::collection::vec(proptest::option::weighted(0.9, 0..1_000_000i64), 0..3000),
        rows in 1..4000usize,
        start in 0..20usize,
    ) {
        let start = start.min(values.len());
        let column = numbers(values.clone()).slice(start, values.len() - start);
        let expected: Vec<_> = values[start..].iter().map(|value| value.map(|value| value * 2)).collect();
        for batch in [false, true] {
            prop_assert_eq!(doubled(&column, batch, rows, Errors::Stop).unwrap(), (expected.clone(), vec![]));
        }
    }

    #[test]
    fn rows_that_fail_are_null_in_their_place(values in proptest::collection::vec(-50..1000i64, 1..200)) {
        let column = numbers(values.iter().copied().map(Some));
        let expected: Vec<_> = values.iter().map(|value| (*value >= 0).then_some(value * 2)).collect();
        let failed: Vec<u64> = (0..values.len()).filter(|&row| values[row] < 0).map(|row| row as u64).collect();
        prop_assert_eq!(doubled(&column, false, 7, Errors::Null).unwrap(), (expected.clone(), failed.clone()));
        // A batch of one row is a row.
        prop_assert_eq!(doubled(&column, true, 1, Errors::Null).unwrap(), (expected, failed.clone()));
        let stopped = doubled(&column, false, 7, Errors::Stop);
        prop_assert_eq!(stopped.err().and_then(|error| error.row()), failed.first().copied());
    }
}

#[test]
fn a_batch_that_fails_fails_each_of_its_rows() {
    let column = numbers([Some(1), None, Some(-1), Some(4), Some(5), Some(6)]);
    let (values, errors) = doubled(&column, true, 4, Errors::Null).unwrap();
    assert_eq!((values, errors), (vec![None, None, None, None, Some(10), Some(12)], vec![0, 2, 3]));
}

#[test]
fn a_function_that_gives_another_number_of_results_fails() {
    let column = numbers((0..4).map(Some));
    let binding = bind("fewer", &[DataType::Int64], &Bind::new().batch(true)).unwrap();
    let error = call_array(&function("fewer"), &binding, &[column], 4, &Calling::new()).unwrap_err();
    expect!["row 0: expected a result for each of 4 rows, but the function gave 2"].assert_eq(&error.to_string());
}

#[test]
fn a_null_is_an_error_unless_it_is_to_give_null() {
    let binding = bind("one", &[DataType::Int64], &Bind::new()).unwrap();
    let column = numbers([Some(1), None]);
    let error = call_array(&function("one"), &binding, &[column], 2, &Calling::new()).unwrap_err();
    expect![[r#"
        row 1: the column for `n` is null, but s64 has none
          make the parameter an option, or have the results of such rows be null"#]]
    .assert_eq(&error.to_string());
}

#[test]
fn what_cannot_be_bound_says_what_and_why() {
    let schema = Schema::new(vec![
        Field::new("n", DataType::Utf8, false),
        Field::new("m", DataType::Int64, false),
        Field::new("m", DataType::Int64, false),
    ]);
    let inspection = GUEST.1.inspect();
    let one = inspection.function("one").unwrap();
    let many = inspection.function("many").unwrap();
    let other = Schema::new(vec![Field::new("k", DataType::Int64, false)]);
    let errors = [
        Binding::by_name(&schema, one, &Bind::new()),
        Binding::by_name(&other, one, &Bind::new()),
        Binding::by_name(&other, one, &Bind::new().batch(true)),
        Binding::by_name(&other, one, &Bind::new().fixed("k", Value::I64(1))),
        Binding::by_name(&other, one, &Bind::new().fixed("n", Value::from("x"))),
        Binding::by_name(&schema, many, &Bind::new()),
        Binding::by_position(&[], one, &Bind::new()),
        Binding::by_position(&[DataType::Int64, DataType::Int64], one, &Bind::new()),
    ];
    let errors: String = errors.into_iter().map(|error| format!("{}\n", error.unwrap_err())).collect();
    expect![[r#"
        the column `n` (Utf8) does not fit the parameter `n: s64` of `one(n: s64) -> s64`: a text is no s64; it can be a string, a char, an enum or list<u8>
          cast the column, or change the parameter's type
        there is no column for the parameter `n` of `one(n: s64) -> s64`; there is `k`
          rename a column, or give the parameter a fixed value
        expected a list for each column, but the parameter `n` of `one(n: s64) -> s64` is s64
          call it row by row, or give the parameter a fixed value
        `one(n: s64) -> s64` has no parameter `k` to give a fixed value
        the fixed value of the parameter `n` of `one(n: s64) -> s64` is none of s64: expected s64, but was given a string
        the column `n` (Utf8) does not fit the parameter `n: list<s64>` of `many(n: list<s64>) -> list<s64>`: a text is no list<s64>; it can be a string, a char, an enum or list<u8>
          cast the column, or change the parameter's type
        expected a column for the parameter `n` of `one(n: s64) -> s64`, but was given 0
        expected 1 columns for `one(n: s64) -> s64`, but was given 2
    "#]].assert_eq(&errors);
}

#[test]
fn batches_are_mapped_in_order_and_rows_counted_over_all() {
    let batch = |start: i64, len: i64| {
        let n = numbers((start..start + len).map(Some));
        let name: ArrayRef = Arc::new(StringArray::from_iter_values((start..start + len).map(|n| n.to_string())));
        RecordBatch::try_from_iter([("name", name), ("n", n)]).unwrap()
    };
    let batches = [batch(0, 3), batch(3, 0), batch(3, 500), batch(503, 1)];
    let schema = batches[0].schema();
    let binding =
        Binding::by_name(&schema, GUEST.1.inspect().function("one").unwrap(), &Bind::new()).map(Arc::new).unwrap();
    let calling = Calling::new().into("twice").rows(size(100));
    let mapped = map_batches(&function("one"), &binding, schema.clone(), batches, &calling).unwrap();
    let names: Vec<String> = mapped.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["name", "n", "twice"]);
    let mut next = 0;
    for batch in mapped {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            assert_eq!(batch["name"].as_string::<i32>().value(row), next.to_string());
            assert_eq!(batch["twice"].as_primitive::<Int64Type>().value(row), 2 * next);
            next += 1;
        }
    }
    assert_eq!(next, 504);

    let bad = RecordBatch::try_from_iter([
        ("name", Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef),
        ("n", numbers([Some(1), Some(-1)])),
    ])
    .unwrap();
    let batches = [batch(0, 3), bad.clone(), batch(3, 1)];
    let mut mapped = map_batches(&function("one"), &binding, schema.clone(), batches, &calling).unwrap();
    assert_eq!(mapped.next().unwrap().unwrap().num_rows(), 3);
    assert_eq!(mapped.next().unwrap().unwrap_err().row(), Some(4));
    assert!(mapped.next().is_none());

    let batches = [batch(0, 3), bad, batch(3, 1)];
    let calling = calling.errors(Errors::Null);
    let mut mapped = map_batches(&function("one"), &binding, schema, batches, &calling).unwrap();
    let counts: Vec<(usize, usize)> = std::iter::from_fn(|| {
        let batch = mapped.next()?.unwrap();
        Some((batch["twice"].null_count(), mapped.errors().len()))
    })
    .collect();
    assert_eq!(counts, [(0, 0), (1, 1), (0, 0)]);
}

#[test]
fn the_fields_of_a_record_are_columns() {
    let n: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    let batch = RecordBatch::try_from_iter([("n", n)]).unwrap();
    let inspection = GUEST.1.inspect();
    let both = inspection.function("both").unwrap();
    let binding = Arc::new(Binding::by_name(&batch.schema(), both, &Bind::new().nulls(Nulls::Null)).unwrap());
    let schema = batch.schema();
    let mut mapped = map_batches(&function("both"), &binding, schema, [batch], &Calling::new()).unwrap();
    let mapped = mapped.next().unwrap().unwrap();
    let fields: Vec<String> = mapped.schema().fields().iter().map(|field| format!("{field}")).collect();
    expect![[r#"
        [
            "Field { \"once\": nullable Int64 }",
            "Field { \"twice\": nullable Int64 }",
        ]
    "#]]
    .assert_debug_eq(&fields);
    let twice: Vec<_> = mapped["twice"].as_primitive::<Int64Type>().iter().collect();
    assert_eq!(twice, [Some(2), None, Some(6)]);
}

#[test]
fn no_rows_give_an_empty_column_of_the_right_type() {
    let binding = bind("one", &[DataType::Int64], &Bind::new()).unwrap();
    let (array, _) = call_array(&function("one"), &binding, &[numbers([])], 0, &Calling::new()).unwrap();
    assert_eq!((array.len(), array.data_type()), (0, &DataType::Int64));
    let many = bind("many", &[DataType::Int64], &Bind::new().batch(true)).unwrap();
    let (array, _) = call_array(&function("many"), &many, &[numbers([])], 0, &Calling::new()).unwrap();
    assert_eq!((array.len(), array.data_type()), (0, &DataType::Int64));
}

#[test]
fn columns_that_were_not_bound_are_refused() {
    let binding = bind("one", &[DataType::Int64], &Bind::new()).unwrap();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let refused = [
        call_array(&function("one"), &binding, &[text], 1, &Calling::new()).unwrap_err(),
        call_array(&function("one"), &binding, &[numbers([Some(1)])], 2, &Calling::new()).unwrap_err(),
        call_array(&function("one"), &binding, &[], 1, &Calling::new()).unwrap_err(),
    ];
    expect![[r#"
        column 0, for the parameter `n` of `one(n: s64) -> s64`: a text is no s64; it can be a string, a char, an enum or list<u8>
        column 0, for the parameter `n` of `one(n: s64) -> s64`: it has 1 rows, but there are 2
        column 0, for the parameter `n` of `one(n: s64) -> s64`: there are 0 columns
    "#]].assert_eq(&refused.map(|error| format!("{error}\n")).concat());
}

#[test]
fn a_column_is_folded_without_its_nulls() {
    let wat = r#"(module (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1))))"#;
    let module = GUEST.0.load_bytes(wat).unwrap();
    let inspection = module.inspect();
    let add = inspection.function("add").unwrap();
    let fold = |column: &ArrayRef| reduce(&module.function::<Args, Value>("add").unwrap(), add, column);
    let column: ArrayRef = Arc::new(Int32Array::from_iter((0..5000).map(|n| (n % 3 != 0).then_some(n))));
    assert_eq!(fold(&column).unwrap(), Some(Value::I64((0..5000).filter(|n| n % 3 != 0).sum())));
    assert_eq!(fold(&numbers([None, None])).unwrap(), None);
    let one = reduce(&function("one"), GUEST.1.inspect().function("one").unwrap(), &column).unwrap_err();
    expect!["expected a function that takes two values of a type and gives one, but `one(n: s64) -> s64` does not"]
        .assert_eq(&one.to_string());
    let large: ArrayRef = Arc::new(arrow_array::UInt64Array::from(vec![1, u64::MAX]));
    assert_eq!(fold(&large).unwrap_err().row(), Some(1));
}

#[test]
fn pieces_are_split_by_bytes_as_well_as_rows() {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|n| "x".repeat(n * 10))));
    let inspection = GUEST.1.inspect();
    let echo = inspection.function("echo").unwrap();
    let binding = Binding::by_position(&[DataType::Utf8], echo, &Bind::new()).unwrap();
    let rows = binding.rows_of(&[texts.slice(1, 98)], 98).unwrap();
    let (mut start, mut pieces) = (0, 0);
    while start < rows.len() {
        let piece = rows.piece(start, 50, 3000);
        assert_eq!(piece.start, start);
        assert!(piece.len() == 1 || rows.bytes(piece.clone()) <= 3000, "{piece:?}");
        assert!(piece.len() <= 50);
        (start, pieces) = (piece.end, pieces + 1);
    }
    assert!(pieces > 10, "{pieces}");
    let binding = Arc::new(binding);
    let echoed =
        call_array(&function("echo"), &binding, std::slice::from_ref(&texts), 100, &Calling::new().bytes(size(3000)));
    assert_eq!(&echoed.unwrap().0, &texts);
}
