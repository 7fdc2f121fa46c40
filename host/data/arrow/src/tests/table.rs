//! Each type of Arrow, as each type of WIT that it can be.

use crate::read::{cell, cells, check};
use arrow_array::builder::*;
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer, i256};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, TimeUnit, UnionFields};
use expect_test::{Expect, expect};
use half::f16;
use purefork::value::Type;
use std::fmt::Write as _;
use std::sync::Arc;

/// What rows of a column are as values of a type.
fn as_text(array: ArrayRef, ty: &Type) -> String {
    let mut text = format!("{} as {}:", array.data_type(), ty.brief());
    match cells(&array, ty) {
        Ok(cells) => {
            for row in 0..array.len() {
                match cells.is_null(row) {
                    true => text.push_str(" null"),
                    false => match cell(&*cells, row) {
                        Ok(value) => write!(text, " {value}").unwrap(),
                        Err(misfit) => write!(text, " ({misfit})").unwrap(),
                    },
                }
            }
        }
        Err(misfit) => write!(text, " {misfit}").unwrap(),
    }
    text
}

#[track_caller]
fn is(cases: impl IntoIterator<Item = (ArrayRef, Type)>, expected: Expect) {
    let text: String = cases.into_iter().map(|(array, ty)| as_text(array, &ty) + "\n").collect();
    expected.assert_eq(&text);
}

fn of<A: Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

#[test]
fn whole_numbers() {
    let small = || of(Int8Array::from(vec![Some(-1), None, Some(127)]));
    let large = || of(UInt64Array::from(vec![Some(1), None, Some(u64::MAX)]));
    is(
        [
            (small(), Type::S8),
            (small(), Type::U8),
            (small(), Type::S64),
            (small(), Type::F32),
            (small(), Type::I32),
            (small(), Type::String),
            (large(), Type::U64),
            (large(), Type::S64),
            (large(), Type::I64),
            (large(), Type::F64),
            (of(Int64Array::from(vec![1 << 53, (1 << 53) + 1, i64::MAX])), Type::F64),
            (of(UInt16Array::from(vec![7])), Type::U16),
            (of(UInt32Array::from(vec![7])), Type::S32),
            (of(Int16Array::from(vec![7])), Type::S16),
            (of(Int32Array::from(vec![7])), Type::S32),
            (of(UInt8Array::from(vec![7])), Type::U8),
        ],
        expect![[r#"
            Int8 as s8: -1 null 127
            Int8 as u8: (expected u8, a whole number from 0 to 255, but the number is -1) null 127
            Int8 as s64: -1 null 127
            Int8 as f32: -1 null 127
            Int8 as i32: -1 null 127
            Int8 as string: a number is no string; it can be a number of another type
            UInt64 as u64: 1 null 18446744073709551615
            UInt64 as s64: 1 null (expected s64, a whole number from -9223372036854775808 to 9223372036854775807, but the number is 18446744073709551615)
            UInt64 as i64: 1 null (expected i64, a whole number from -9223372036854775808 to 9223372036854775807, but the number is 18446744073709551615)
            UInt64 as f64: 1 null (expected f64, but 18446744073709551615 is none: the nearest is another number)
            Int64 as f64: 9007199254740992 (expected f64, but 9007199254740993 is none: the nearest is another number) (expected f64, but 9223372036854775807 is none: the nearest is another number)
            UInt16 as u16: 7
            UInt32 as s32: 7
            Int16 as s16: 7
            Int32 as s32: 7
            UInt8 as u8: 7
        "#]],
    );
}

#[test]
fn floats_and_truth_values() {
    let doubles = || of(Float64Array::from(vec![Some(0.5), None, Some(0.1), Some(f64::NAN), Some(3.0), Some(1e300)]));
    is(
        [
            (doubles(), Type::F64),
            (doubles(), Type::F32),
            (doubles(), Type::S32),
            (doubles(), Type::U64),
            (of(Float32Array::from(vec![0.1])), Type::F64),
            (of(Float16Array::from(vec![f16::from_f32(1.5)])), Type::F32),
            (of(Float64Array::from(vec![18446744073709551615.0, -0.0, f64::INFINITY])), Type::U64),
            (of(BooleanArray::from(vec![Some(true), None, Some(false)])), Type::Bool),
            (of(BooleanArray::from(vec![Some(true), None, Some(false)])), Type::I32),
            (of(BooleanArray::from(vec![true])), Type::S32),
        ],
        expect![[r#"
            Float64 as f64: 0.5 null 0.1 nan 3 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
            Float64 as f32: 0.5 null (expected f32, but 0.1 is none: the nearest is another number) nan 3 (expected f32, but 1e300 is none: the nearest is another number)
            Float64 as s32: (expected s32, a whole number from -2147483648 to 2147483647, but the number is 0.5) null (expected s32, a whole number from -2147483648 to 2147483647, but the number is 0.1) (expected s32, a whole number from -2147483648 to 2147483647, but the number is NaN) 3 (expected s32, a whole number from -2147483648 to 2147483647, but the number is 1e300)
            Float64 as u64: (expected u64, a whole number from 0 to 18446744073709551615, but the number is 0.5) null (expected u64, a whole number from 0 to 18446744073709551615, but the number is 0.1) (expected u64, a whole number from 0 to 18446744073709551615, but the number is NaN) 3 (expected u64, a whole number from 0 to 18446744073709551615, but the number is 1e300)
            Float32 as f64: 0.10000000149011612
            Float16 as f32: 1.5
            Float64 as u64: (expected u64, a whole number from 0 to 18446744073709551615, but the number is 1.8446744073709552e19) 0 (expected u64, a whole number from 0 to 18446744073709551615, but the number is inf)
            Boolean as bool: true null false
            Boolean as i32: 1 null 0
            Boolean as s32: a truth value is no s32; it can be a bool
        "#]],
    );
}

#[test]
fn text_and_bytes() {
    let text = || of(StringArray::from(vec![Some("a"), None, Some("straße")]));
    let bytes = || of(BinaryArray::from(vec![Some(&b"a"[..]), None, Some(&[0xff][..])]));
    let dictionary = || of(["b", "a", "b"].into_iter().collect::<DictionaryArray<Int8Type>>());
    let fixed =
        || of(FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some([1u8; 16]), None].into_iter(), 16).unwrap());
    let cases = Type::enumeration(["a", "b"]);
    is(
        [
            (text(), Type::String),
            (text(), Type::Char),
            (text(), Type::list(Type::U8)),
            (text(), cases.clone()),
            (text(), Type::S32),
            (of(LargeStringArray::from(vec![Some("a"), None])), Type::String),
            (of(StringViewArray::from(vec![Some("a text of more than twelve bytes"), None])), Type::String),
            (dictionary(), Type::String),
            (dictionary(), cases),
            (dictionary(), Type::S32),
            (bytes(), Type::list(Type::U8)),
            (bytes(), Type::String),
            (of(LargeBinaryArray::from(vec![&b"a"[..]])), Type::list(Type::U8)),
            (of(BinaryViewArray::from(vec![&b"a"[..]])), Type::String),
            (fixed(), Type::V128),
            (fixed(), Type::String),
            (fixed(), Type::option(Type::V128)),
        ],
        expect![[r#"
            Utf8 as string: "a" null "straße"
            Utf8 as char: 'a' null (expected one character, but the text is "straße")
            Utf8 as list<u8>: [97] null [115, 116, 114, 97, 195, 159, 101]
            Utf8 as enum { a, b }: a null (expected one of `a`, `b`, but the text is "straße")
            Utf8 as s32: a text is no s32; it can be a string, a char, an enum or list<u8>
            LargeUtf8 as string: "a" null
            Utf8View as string: "a text of more than twelve bytes" null
            Dictionary(Int8, Utf8) as string: "b" "a" "b"
            Dictionary(Int8, Utf8) as enum { a, b }: b a b
            Dictionary(Int8, Utf8) as s32: a text is no s32; it can be a string, a char, an enum or list<u8>
            Binary as list<u8>: [97] null [255]
            Binary as string: "a" null (expected text in UTF-8, but the bytes are none from byte 0 on)
            LargeBinary as list<u8>: [97]
            BinaryView as string: "a"
            FixedSizeBinary(16) as v128: (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) null
            FixedSizeBinary(16) as string: "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}" null
            FixedSizeBinary(16) as option<v128>: some((1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)) none
        "#]],
    );
}

#[test]
fn dates_times_and_decimals() {
    let instant = |zone: Option<&str>| {
        let array = TimestampMicrosecondArray::from(vec![Some(1_700_000_000_123_456), None]);
        of(array.with_timezone_opt(zone.map(str::to_owned)))
    };
    let decimal = |scale| {
        of(Decimal128Array::from(vec![Some(12300), None, Some(-5)]).with_precision_and_scale(9, scale).unwrap())
    };
    is(
        [
            (of(Date32Array::from(vec![Some(19_000), None])), Type::S32),
            (of(Date32Array::from(vec![Some(19_000), None])), Type::String),
            (of(Date64Array::from(vec![86_400_000])), Type::String),
            (of(Time32SecondArray::from(vec![3_661])), Type::String),
            (of(Time64NanosecondArray::from(vec![1])), Type::U64),
            (instant(None), Type::S64),
            (instant(None), Type::String),
            (instant(Some("Europe/Berlin")), Type::String),
            (instant(None), Type::F64),
            (of(DurationMillisecondArray::from(vec![-1500])), Type::String),
            (of(DurationMillisecondArray::from(vec![-1500])), Type::U32),
            (decimal(2), Type::String),
            (decimal(2), Type::S64),
            (decimal(0), Type::S16),
            (decimal(2), Type::F64),
            (
                of(Decimal256Array::from(vec![i256::MAX])
                    .with_precision_and_scale(76, 0)
                    .unwrap_or_else(|_| Decimal256Array::from(vec![i256::MAX]))),
                Type::String,
            ),
            (new_empty_array(&DataType::Interval(IntervalUnit::MonthDayNano)), Type::String),
        ],
        expect![[r#"
            Date32 as s32: 19000 null
            Date32 as string: "2022-01-08" null
            Date64 as string: "1970-01-02"
            Time32(s) as string: "01:01:01"
            Time64(ns) as u64: 1
            Timestamp(µs) as s64: 1700000000123456 null
            Timestamp(µs) as string: "2023-11-14T22:13:20.123456" null
            Timestamp(µs, "Europe/Berlin") as string: "2023-11-14T22:13:20.123456Z" null
            Timestamp(µs) as f64: a date, a time or a duration is no f64; it can be an s64, the number of microseconds since 1970, or a string
            Duration(ms) as string: "-PT1.500S"
            Duration(ms) as u32: (expected u32, a whole number from 0 to 4294967295, but the number is -1500)
            Decimal128(9, 2) as string: "123.00" null "-0.05"
            Decimal128(9, 2) as s64: 123 null (expected s64, a whole number from -9223372036854775808 to 9223372036854775807, but the decimal is -0.05)
            Decimal128(9, 0) as s16: 12300 null -5
            Decimal128(9, 2) as f64: a decimal is no f64; it can be a string, or, if it is whole, an s64; for a float, cast the column
            Decimal256(76, 0) as string: "57896044618658097711785492504343953926634992332820282019728792003956564819967"
            Interval(MonthDayNano) as string: an interval is no string; it can be a duration, or its parts in columns of their own
        "#]],
    );
}

#[test]
fn lists_and_structures() {
    let lists =
        || of(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]));
    let structure = || {
        let fields = Fields::from(vec![
            Field::new("the_x", DataType::Int32, true),
            Field::new("y", DataType::Utf8, false),
            Field::new("more", DataType::Int8, false),
        ]);
        let columns: Vec<ArrayRef> = vec![
            of(Int32Array::from(vec![Some(1), None, Some(3)])),
            of(StringArray::from(vec!["a", "b", "c"])),
            of(Int8Array::from(vec![0, 0, 0])),
        ];
        of(StructArray::new(fields, columns, Some(NullBuffer::from(vec![true, true, false]))))
    };
    let map = || {
        let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        map.keys().append_value("k");
        map.values().append_value(1);
        map.append(true).unwrap();
        map.append(false).unwrap();
        of(map.finish())
    };
    let fixed = || {
        let values = of(Int32Array::from(vec![1, 2, 3, 4]));
        let field = Arc::new(Field::new("item", DataType::Int32, false));
        of(FixedSizeListArray::new(field, 2, values, None).slice(1, 1))
    };
    let view = || {
        let field = Arc::new(Field::new("item", DataType::Int32, false));
        let values = of(Int32Array::from(vec![1, 2, 3]));
        of(ListViewArray::new(field, ScalarBuffer::from(vec![1, 0]), ScalarBuffer::from(vec![2, 3]), values, None))
    };
    let point =
        Type::record([("the-x", Type::option(Type::S64)), ("y", Type::String), ("z", Type::option(Type::Bool))]);
    is(
        [
            (lists(), Type::list(Type::option(Type::S32))),
            (lists(), Type::list(Type::S32)),
            (lists(), Type::list(Type::String)),
            (lists(), Type::S32),
            (fixed(), Type::list(Type::S64)),
            (view(), Type::list(Type::S32)),
            (map(), Type::list(Type::tuple([Type::String, Type::S32]))),
            (structure(), point),
            (structure(), Type::record([("the-x", Type::S32)])),
            (structure(), Type::record([("q", Type::S32)])),
            (structure(), Type::tuple([Type::option(Type::S32), Type::String, Type::S8])),
            (structure(), Type::tuple([Type::S32])),
            (structure(), Type::String),
        ],
        expect![[r#"
            List(Int32) as list<option<s32>>: [some(1), none] null []
            List(Int32) as list<s32>: (at `[1]`: expected a value, but there is a null) null []
            List(Int32) as list<string>: at `[]`: a number is no string; it can be a number of another type
            List(Int32) as s32: a list is no s32; it can be a list
            FixedSizeList(2 x non-null Int32) as list<s64>: [3, 4]
            ListView(non-null Int32) as list<s32>: [2, 3] [1, 2, 3]
            Map("entries": non-null Struct("keys": non-null Utf8, "values": Int32), unsorted) as list<tuple<string, s32>>: [("k", 1)] null
            Struct("the_x": Int32, "y": non-null Utf8, "more": non-null Int8) as record {…}: {the-x: some(1), y: "a"} {y: "b"} null
            Struct("the_x": Int32, "y": non-null Utf8, "more": non-null Int8) as record { the-x: s32 }: {the-x: 1} (at `.the-x`: expected a value, but there is a null) null
            Struct("the_x": Int32, "y": non-null Utf8, "more": non-null Int8) as record { q: s32 }: the structure has no field `q`; it has `the_x`, `y`, `more`
            Struct("the_x": Int32, "y": non-null Utf8, "more": non-null Int8) as tuple<option<s32>, string, s8>: (some(1), "a", 0) (none, "b", 0) null
            Struct("the_x": Int32, "y": non-null Utf8, "more": non-null Int8) as tuple<s32>: a structure of 3 fields is no tuple<s32>
            Struct("the_x": Int32, "y": non-null Utf8, "more": non-null Int8) as string: a structure is no string; it can be a record or a tuple
        "#]],
    );
}

#[test]
fn unions_runs_and_nulls() {
    let fields = || {
        let fields = [Field::new("n", DataType::Int32, true), Field::new("nothing", DataType::Null, true)];
        UnionFields::try_new([3, 5], fields).unwrap()
    };
    let dense = || {
        let (ids, offsets) = (ScalarBuffer::from(vec![3i8, 5, 3]), ScalarBuffer::from(vec![1, 0, 0]));
        let children: Vec<ArrayRef> = vec![of(Int32Array::from(vec![None, Some(7)])), of(NullArray::new(1))];
        of(UnionArray::try_new(fields(), ids, Some(offsets), children).unwrap())
    };
    let sparse = || {
        let children: Vec<ArrayRef> = vec![of(Int32Array::from(vec![7, 8, 9])), of(NullArray::new(3))];
        let union = UnionArray::try_new(fields(), ScalarBuffer::from(vec![3i8, 5, 3]), None, children).unwrap();
        of(union.slice(1, 2))
    };
    let variant = || Type::variant([("nothing", None), ("n", Some(Type::S64)), ("other", Some(Type::Bool))]);
    let runs = || {
        of(RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &Int32Array::from(vec![Some(5), None]))
            .unwrap())
    };
    let structure = || {
        let fields =
            Fields::from(vec![Field::new("ok", DataType::Int32, true), Field::new("err", DataType::Utf8, true)]);
        let columns: Vec<ArrayRef> = vec![
            of(Int32Array::from(vec![Some(1), None, None, Some(1)])),
            of(StringArray::from(vec![None, Some("no"), None, Some("no")])),
        ];
        of(StructArray::new(fields, columns, None))
    };
    let unnullable = || {
        let field = Arc::new(Field::new("item", DataType::Int32, false));
        of(ListArray::new(field, OffsetBuffer::new(vec![1, 3].into()), of(Int32Array::from(vec![1, 2, 3])), None))
    };
    is(
        [
            (dense(), variant()),
            (dense(), Type::option(variant())),
            (dense(), Type::variant([("n", Some(Type::S32))])),
            (dense(), Type::variant([("nothing", Some(Type::S32)), ("n", None)])),
            (dense(), Type::S32),
            (sparse(), variant()),
            (structure(), Type::result(Some(Type::S32), Some(Type::String))),
            (runs(), Type::S32),
            (of(runs().slice(1, 2)), Type::option(Type::S32)),
            (of(NullArray::new(2)), Type::S32),
            (of(NullArray::new(2)), Type::option(Type::S32)),
            (unnullable(), Type::list(Type::S32)),
        ],
        expect![[r#"
            Union(Dense, 3: ("n": Int32), 5: ("nothing": Null)) as variant { nothing, n(s64), other(bool) }: n(7) nothing null
            Union(Dense, 3: ("n": Int32), 5: ("nothing": Null)) as option<variant { nothing, n(s64), other(bool) }>: some(n(7)) some(nothing) none
            Union(Dense, 3: ("n": Int32), 5: ("nothing": Null)) as variant { n(s32) }: there is no case `nothing`; there are `n`
            Union(Dense, 3: ("n": Int32), 5: ("nothing": Null)) as variant { nothing(s32), n }: at `.n`: the case has no value, but its column is one of Int32
            Union(Dense, 3: ("n": Int32), 5: ("nothing": Null)) as s32: a union is no s32; it can be a variant or a result
            Union(Sparse, 3: ("n": Int32), 5: ("nothing": Null)) as variant { nothing, n(s64), other(bool) }: nothing n(9)
            Struct("ok": Int32, "err": Utf8) as result<s32, string>: ok(1) err("no") (expected one case with a value, but all are null) (expected one case with a value, but both `ok` and `err` have one)
            RunEndEncoded("run_ends": non-null Int32, "values": Int32) as s32: 5 5 null
            RunEndEncoded("run_ends": non-null Int32, "values": Int32) as option<s32>: some(5) none
            Null as s32: null null
            Null as option<s32>: none none
            List(non-null Int32) as list<s32>: [2, 3]
        "#]],
    );
}

#[test]
fn a_dictionary_whose_values_are_null_or_none_is_null() {
    let keys = Int8Array::from(vec![Some(0), Some(1), None]);
    let values: ArrayRef = of(StringArray::from(vec![None, Some("b")]));
    let dictionary = of(DictionaryArray::<Int8Type>::new(keys, values));
    assert_eq!(as_text(dictionary, &Type::String), "Dictionary(Int8, Utf8) as string: null \"b\" null");
    let nothing = of(DictionaryArray::<Int8Type>::new(
        Int8Array::from(vec![None, None]),
        of(StringArray::from(Vec::<&str>::new())),
    ));
    assert_eq!(as_text(nothing, &Type::String), "Dictionary(Int8, Utf8) as string: null null");
    assert!(
        check(&DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Float64)), &Type::String).is_err()
    );
    assert!(check(&DataType::Timestamp(TimeUnit::Second, None), &Type::S64).is_ok());
}

#[test]
fn a_list_of_more_nulls_than_there_is_memory_for_is_refused() {
    let field = Arc::new(Field::new("item", DataType::Null, true));
    let nulls = of(NullArray::new(i32::MAX as usize));
    let list = of(ListArray::new(field, OffsetBuffer::new(vec![0, i32::MAX].into()), nulls, None));
    assert_eq!(
        as_text(list, &Type::list(Type::option(Type::Bool))),
        "List(Null) as list<option<bool>>: \
         (a list of 2147483647 values is too long: up to 16777216 are passed, if they are no numbers)"
    );
}
