"""Columns and tables of pyarrow, polars and pandas: in without a copy, and out as the same library's."""

import ctypes
import datetime
import math as maths
import sys

import pytest
from conftest import MATH, SLOW

import purefork as pf

DIV = """(module (func (export "div") (param $a i64) (param $b i64) (result i64) (i64.div_s (local.get $a) (local.get $b)))
    (func (export "echo") (param $x f64) (result f64) (local.get $x))
    (func (export "spin") (param $n i64) (result i64) (loop $again (br $again)) (unreachable)))"""


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


@pytest.fixture
def div(executor):
    return executor.load(DIV).div


class OnlyArrow:
    """What nobody knows, but that it gives itself by capsules."""

    def __init__(self, inner, methods=("__arrow_c_array__", "__arrow_c_stream__")):
        self.inner = inner
        for method in methods:
            if hasattr(inner, method):
                setattr(self, method, getattr(inner, method))


# pyarrow


def test_a_table_of_a_class_derived_from_one_of_pandas_gives_a_series(div, pandas):
    class Frame(pandas.DataFrame):
        pass

    assert isinstance(div.map(Frame({"a": [6, 8], "b": [2, 4]})), pandas.Series)
    with pytest.raises(pf.ArgumentMismatch, match="2361183241434822606848|2\\*\\*71"):
        div.map(pandas.Series([1, 2**71], dtype=object), pandas.Series([1, 1]))


def test_numbers_of_dictionaries_and_decimals_are_numbers(div, arrow):
    left, right = arrow.array([6, 8, 6]), arrow.array([2, 4, 3])
    expected = [3, 2, 2]
    for form in (left.dictionary_encode(), left.cast(arrow.decimal128(22, 0))):
        assert div.map(form, right).to_pylist() == expected
    assert div.map(left, right.dictionary_encode()).to_pylist() == expected


def test_arrays_give_arrays_and_chunked_ones_chunked_ones(arrow, div):
    results = div.map(arrow.array([6, 8]), arrow.array([2, 4]))
    assert isinstance(results, arrow.Int64Array) and results.to_pylist() == [3, 2]
    results = div.map(arrow.chunked_array([[6], [8, 9]]), arrow.chunked_array([[2, 4], [3]]))
    assert isinstance(results, arrow.ChunkedArray) and results.to_pylist() == [3, 2, 3]
    results.validate(full=True)
    # An array that others have an offset in.
    assert div.map(arrow.array([0, 6, 8, 0])[1:3], arrow.array([9, 9, 2, 4])[2:]).to_pylist() == [3, 2]


def test_a_table_gives_each_parameter_the_column_of_its_name(arrow, div):
    columns = {"unused": ["x", "y"], "b": [2, 4], "a": [6, 8]}
    assert isinstance(div.map(arrow.table(columns)), arrow.ChunkedArray)
    assert div.map(arrow.table(columns)).to_pylist() == [3, 2]
    assert isinstance(div.map(arrow.record_batch(columns)), arrow.Int64Array)
    batches = arrow.table(columns).to_batches(max_chunksize=1)
    reader = arrow.RecordBatchReader.from_batches(batches[0].schema, iter(batches))
    assert div.map(reader).to_pylist() == [3, 2]
    with pytest.raises(pf.ArgumentMismatch, match="there is no column for the parameter `b` .* there is `a`, `c`"):
        div.map(arrow.table({"a": [1], "c": [1]}))
    with pytest.raises(pf.ArgumentMismatch, match="was given a Table among 2 arguments"):
        div.map(arrow.array([1, 2]), arrow.table(columns))


def test_columns_of_no_rows_give_a_column_of_none(arrow, div, kinds):
    assert div.map(arrow.array([], "int64"), arrow.array([], "int32")).type == "int64"
    results = div.map(arrow.chunked_array([], "int64"), arrow.chunked_array([[], []], "int64"))
    assert results.type == "int64" and len(results) == 0
    assert len(div.map(arrow.table({"a": [1], "b": [1]})[:0])) == 0
    assert div.map(arrow.table({"a": [1], "b": [1]})[:0]).type == "int64"
    assert kinds.echo_string.map(arrow.array([], "string")).type == "string"


def test_columns_of_different_length_are_told(arrow, div):
    with pytest.raises(pf.ArgumentMismatch, match=r"expected columns of one length, but was given \[2, 3\]"):
        div.map(arrow.array([1, 2]), [1, 2, 3])
    # A stream does not say how long it is.
    short = OnlyArrow(arrow.chunked_array([[6], [8]]))
    with pytest.raises(pf.ArgumentMismatch, match="expected columns of one length, but `a` has 2 rows, and `b` more"):
        div.map(short, arrow.array([1, 2, 3]))
    with pytest.raises(pf.ArgumentMismatch, match="expected a column for each parameter"):
        div.map(arrow.array([1, 2]))


def test_nulls_fail_their_row_or_give_a_null(arrow, div, kinds):
    column = arrow.array([6, None, 8])
    with pytest.raises(pf.ArgumentMismatch, match="the column for `b` is null, but i64 has none") as error:
        div.map(column, arrow.array([None, 1, 2]))
    assert error.value.row == 0 and "option" in error.value.help
    assert div.map(column, arrow.array([3, 1, 2]), nulls="null").to_pylist() == [2, None, 4]
    results, errors = div.map(column, arrow.array([3, 1, 2]), errors="keep")
    assert results.to_pylist() == [2, None, 4] and [error.row for error in errors] == [1]
    assert kinds.option_number.map(arrow.array([1, None], "uint64")).to_pylist() == [1, None]
    with pytest.raises(ValueError, match="expected `nulls` to be"):
        div.map(column, column, nulls="drop")
    with pytest.raises(ValueError, match="lists and arrays have none"):
        div.map([1], [1], nulls="null")


def test_the_error_of_a_row_is_raised_or_kept_beside(arrow, div, kinds):
    left, right = arrow.array([4] * 10_000), arrow.chunked_array([[2] * 7000, [0], [2] * 2999])
    with pytest.raises(pf.Trap, match="integer divide by zero") as error:
        div.map(left, right)
    assert error.value.row == 7000 and error.value.site[0] == __file__
    results, errors = div.map(left, right, errors="keep")
    assert len(results) == 10_000 and results.null_count == 1 and results[7000].as_py() is None
    assert [(type(error), error.row) for error in errors] == [(pf.Trap, 7000)]
    # A value that does not fit, in a row.
    with pytest.raises(pf.ArgumentMismatch, match="expected s8, .* but the number is 300") as error:
        kinds.echo_s8.map(arrow.array([1, 300]))
    assert error.value.row == 1


def test_a_result_is_opened_and_its_err_is_an_error_of_the_row(arrow, kinds):
    texts = arrow.array(["abc", "", "x" * 20])
    with pytest.raises(pf.Err) as error:
        kinds.check.map(texts)
    assert error.value.row == 1 and error.value.value == kinds.check.as_result("").value
    results, errors = kinds.check.map(texts, errors="keep")
    assert results.type == "uint32" and results.to_pylist() == [3, None, None]
    assert [error.row for error in errors] == [1, 2] and errors[1].value.value == 20
    whole = kinds.check.as_result.map(texts[:2])
    assert whole.to_pylist() == [{"ok": 3, "err": None}, {"ok": None, "err": {"empty": True, "too-long": None}}]
    # Without a value there is a null for each.
    problems = arrow.array([{"ok": True, "err": None}], arrow.struct([("ok", arrow.bool_()), ("err", arrow.bool_())]))
    assert kinds.result_none.map(OnlyArrow(arrow.chunked_array([problems]))).to_pylist() == [None]


def test_a_column_that_does_not_fit_is_refused_before_a_row_has_run(arrow, div):
    with pytest.raises(pf.ArgumentMismatch, match=r"column 1 \(Utf8\) does not fit the parameter `b: i64` of `div") as error:
        div.map(arrow.array([1]), arrow.array(["x"]))
    assert error.value.help == "cast the column, or change the parameter's type"


@pytest.mark.parametrize(
    "name, values, type",
    [
        ("echo_s8", [-128, 127], "int8"),
        ("echo_u64", [0, 2**64 - 1], "uint64"),
        ("echo_f32", [0.5, maths.inf], "float32"),
        ("echo_bool", [True, False], "bool"),
        ("echo_char", ["a", "é"], "string"),
        ("echo_string", ["", "añ" * 50], "string"),
        ("echo_string", ["x", "y" * 30], "large_string"),
        ("echo_string", ["x", "y" * 30], "string_view"),
        ("list_u8", [b"", b"ab"], "binary"),
        ("list_s32", [[], [1, 2]], "list<int32>"),
        ("list_string", [["a"], []], "list<string>"),
        ("list_option", [[1, None], []], "list<uint32>"),
        ("echo_record", [{"x": 1.0, "y": 2.0}], "struct<x: double, y: double>"),
        ("option_string", ["a", None], "string"),
    ],
)
def test_values_come_back_as_they_went_in(arrow, kinds, name, values, type):
    types = {
        "list<int32>": lambda: arrow.list_(arrow.int32()),
        "list<string>": lambda: arrow.list_(arrow.string()),
        "list<uint32>": lambda: arrow.list_(arrow.uint32()),
        "struct<x: double, y: double>": lambda: arrow.struct([("x", arrow.float64()), ("y", arrow.float64())]),
    }
    column = arrow.chunked_array([arrow.array(values, types[type]() if type in types else type)] * 2)
    results = kinds[name.replace("_", "-")].map(column)
    results.validate(full=True)
    assert results.to_pylist() == values * 2
    # As Python's own objects, they are what a call gives.
    own = kinds[name.replace("_", "-")].map(OnlyArrow(column))
    assert list(own) == own.to_pylist() == [kinds[name.replace("_", "-")](value) for value in values * 2]


def test_variants_enums_and_dictionaries_are_read_and_written(arrow, kinds):
    colours = arrow.array(["red", "dark-blue", "red"]).dictionary_encode()
    results = kinds.echo_enum.map(colours)
    assert arrow.types.is_dictionary(results.type) and results.to_pylist() == ["red", "dark-blue", "red"]
    assert kinds.echo_enum.map(OnlyArrow(colours)).to_pylist() == [kinds.types.Colour.RED, kinds.types.Colour.DARK_BLUE, kinds.types.Colour.RED]
    numbers = arrow.array([5, None, 5]).dictionary_encode()
    assert kinds.option_number.map(numbers).to_pylist() == [5, None, 5]
    shapes = arrow.array([{"circle": 0.5}, {"text": "x"}], arrow.struct([("circle", arrow.float64()), ("text", arrow.string())]))
    results = kinds.echo_variant.map(shapes)
    assert [{case: value for case, value in row.items() if value is not None} for row in results.to_pylist()] == [{"circle": 0.5}, {"text": "x"}]
    assert list(kinds.echo_variant.map(OnlyArrow(arrow.chunked_array([shapes])))) == [kinds.types.Shape.Circle(0.5), kinds.types.Shape.Text("x")]


def test_dates_are_passed_as_the_parameter_has_them(arrow, kinds):
    days = arrow.array([datetime.date(2024, 2, 29)])
    assert kinds.echo_string.map(days).to_pylist() == ["2024-02-29"]
    assert kinds.echo_s32.map(days).to_pylist() == [19782]


def test_lists_and_arrays_stand_beside_columns(arrow, div):
    numpy = pytest.importorskip("numpy")
    assert div.map(arrow.array([6, 8]), [2, 4]).to_pylist() == [3, 2]
    assert div.map((6, 8), arrow.array([2, 4])).to_pylist() == [3, 2]
    assert div.map(numpy.array([6, 8]), arrow.array([2, 4])).to_pylist() == [3, 2]
    with pytest.raises(pf.ArgumentMismatch, match=r"argument `b` of `div`: at `\[1\]`: expected i64"):
        div.map(arrow.array([6, 8]), [2, "x"])


def test_a_stream_that_fails_in_the_middle_is_told_with_its_row(arrow, div):
    schema = arrow.schema([("a", arrow.int64()), ("b", arrow.int64())])

    def batches():
        yield arrow.record_batch([[6, 8], [2, 4]], schema=schema)
        raise RuntimeError("the disk is gone")

    with pytest.raises(pf.Failed, match="after row 2: .*the disk is gone"):
        div.map(arrow.RecordBatchReader.from_batches(schema, batches()))


def test_a_stream_is_taken_as_threads_have_room(arrow, executor):
    echo = executor.load(DIV).echo
    taken = []

    def batches():
        for number in range(200):
            taken.append(number)
            yield arrow.record_batch({"x": [float(number)]})

    seen = []
    reader = arrow.RecordBatchReader.from_batches(arrow.schema([("x", arrow.float64())]), batches())
    results = echo.map(reader, progress=lambda rows: seen.append((rows, len(taken))))
    assert results.to_pylist() == [float(number) for number in range(200)]
    assert sum(rows for rows, _ in seen) == 200 and seen[0][1] < 200


def test_what_is_no_column_is_refused(arrow, div):
    column = arrow.array([6, 8])

    class Used:
        capsules = column.__arrow_c_array__()

        def __arrow_c_array__(self):
            return self.capsules

    div.map(Used(), column)
    with pytest.raises(pf.ArgumentMismatch, match="its capsule was used before"):
        div.map(Used(), column)

    class UsedStream:
        capsule = arrow.chunked_array([column]).__arrow_c_stream__()

        def __arrow_c_stream__(self):
            return self.capsule

    div.map(UsedStream(), column)
    with pytest.raises(pf.ArgumentMismatch, match="its capsule was used before"):
        div.map(UsedStream(), column)

    class Wrong:
        def __init__(self, given):
            self.given = given

        def __arrow_c_array__(self):
            return self.given

    for given in (None, (), (1, 2), column.__arrow_c_array__()[::-1]):
        with pytest.raises((TypeError, ValueError)):
            div.map(Wrong(given), column)

    class Raises:
        def __arrow_c_stream__(self):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        div.map(Raises(), column)


def test_what_nobody_knows_gets_a_column_of_arrow(arrow, div):
    column = div.map(OnlyArrow(arrow.chunked_array([[6], [8]])), [2, 4])
    assert isinstance(column, pf.Column) and len(column) == 2 and column.null_count == 0 and column.type == "Int64"
    assert repr(column) == "<purefork.Column of Int64: 2 rows>"
    assert arrow.array(column).to_pylist() == arrow.chunked_array(column).to_pylist() == [3, 2]
    assert [chunk.to_pylist() for chunk in column.chunks] == [[3, 2]]
    # Both ways, and more than once.
    for _ in range(2):
        assert arrow.array(OnlyArrow(column, ["__arrow_c_array__"])).to_pylist() == [3, 2]
        assert arrow.chunked_array(OnlyArrow(column, ["__arrow_c_stream__"])).to_pylist() == [3, 2]
    # It is one of the columns that are taken.
    assert div.map(column, column).to_pylist() == [1, 1]
    column.__arrow_c_stream__(), column.__arrow_c_array__(), column.__arrow_c_schema__()


def test_structures_that_nobody_calls_a_table_are_one_unless_the_function_takes_a_structure(arrow, div, kinds):
    points = OnlyArrow(arrow.table({"x": [1.0], "y": [2.0]}))
    assert kinds.echo_record.map(points).to_pylist() == [kinds.types.Point(1.0, 2.0)]
    assert div.map(OnlyArrow(arrow.table({"b": [2], "a": [6]}))).to_pylist() == [3]
    assert kinds.echo_record.map(arrow.array([{"x": 1.0, "y": 2.0}])).to_pylist() == [{"x": 1.0, "y": 2.0}]
    partly = arrow.array([{"a": 6, "b": 2}, None])
    with pytest.raises(pf.Failed, match="some of which are null"):
        div.map(OnlyArrow(partly))


def test_columns_are_arguments_of_a_call_where_it_takes_a_list(arrow, kinds):
    column = arrow.array(range(10_000))
    assert kinds.sum(column) == kinds.sum(arrow.chunked_array([column[:5], column[5:]])) == sum(range(10_000))
    assert kinds.sum(arrow.array([1, 2], "int8")) == 3 and kinds.sum(arrow.array([], "int64")) == 0
    assert kinds.sum(column[9_990:]) == sum(range(9_990, 10_000))
    assert kinds.list_string(arrow.array(["a", "b"])) == ["a", "b"]
    assert kinds.list_record(arrow.table({"x": [1.0], "y": [2.0]})) == [kinds.types.Point(1.0, 2.0)]
    with pytest.raises(pf.ArgumentMismatch, match=r"argument `numbers` of `sum`: at `\[1\]`: expected a value, but there is a null"):
        kinds.sum(arrow.array([1, None]))
    with pytest.raises(pf.ArgumentMismatch, match="cannot be read as s64"):
        kinds.sum(arrow.array(["x"]))


def test_many_rows_of_text_keep_their_order(arrow, kinds):
    texts = arrow.array([str(n) for n in range(20_000)])
    results = kinds.echo_string.map(texts)
    assert results.equals(texts)


def test_an_error_ends_calls_that_others_make(arrow):
    with pf.Executor(threads=2, cache=False, limits=pf.Limits(fuel=100_000_000)) as executor:
        module = executor.load(DIV)
        with pytest.raises(pf.ArgumentMismatch):
            module.spin.map(OnlyArrow(arrow.chunked_array([[None], [1] * 100], "int64")))


def test_what_a_progress_raises_is_raised(arrow, div):
    def progress(rows):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        div.map(arrow.array([1] * 100_000), arrow.array([1] * 100_000), progress=progress)


# polars


def test_series_of_polars_give_one_of_the_same_name(polars, div):
    results = div.map(polars.Series("left", [6, 8]), polars.Series("right", [2, 4]))
    assert isinstance(results, polars.Series) and results.name == "left" and results.to_list() == [3, 2]
    frame = polars.DataFrame({"b": [2, 4], "a": [6, 8], "c": ["x", "y"]})
    results = div.map(frame)
    assert isinstance(results, polars.Series) and results.name == "div" and results.to_list() == [3, 2]
    assert frame.with_columns(div.map(frame))["div"].to_list() == [3, 2]
    kept, errors = div.map(frame["a"], polars.Series([0, 4]), errors="keep")
    assert kept.to_list() == [None, 2] and errors[0].row == 0
    assert div.map(polars.Series([6, None]), polars.Series([2, 4]), nulls="null").to_list() == [3, None]


def test_text_of_polars_and_its_categories_are_passed(polars, kinds):
    texts = polars.Series("t", ["short", "a text that is longer than a view"])
    assert kinds.echo_string.map(texts).to_list() == texts.to_list()
    colours = polars.Series(["red", "green"], dtype=polars.Categorical)
    assert kinds.echo_enum.map(colours).cast(polars.String).to_list() == ["red", "green"]
    assert kinds.list_string(texts) == texts.to_list()
    assert kinds.check.as_result.map(polars.Series(["abc"])).to_list()[0]["ok"] == 3
    assert kinds.echo_record.map(polars.Series([{"x": 1.0, "y": 2.0}])).to_list() == [{"x": 1.0, "y": 2.0}]


# pandas


def test_series_of_pandas_give_one_with_their_index(pandas, div):
    left = pandas.Series([6, 8], index=["p", "q"], name="left")
    results = div.map(left, pandas.Series([2, 4]))
    assert results.name == "left" and results.index.tolist() == ["p", "q"] and results.tolist() == [3, 2]
    assert str(results.dtype) == "int64"
    frame = pandas.DataFrame({"b": [2, 4], "a": [6, 8], "c": ["x", "y"]}, index=[7, 9])
    assert div.map(frame).to_dict() == {7: 3, 9: 2} and div.map(frame).name == "div"
    kept, errors = div.map(left, [0, 4], errors="keep")
    assert kept.isna().tolist() == [True, False] and kept.iloc[1] == 2 and errors[0].row == 0
    with pytest.raises(pf.Trap) as error:
        div.map(left, [1, 0])
    assert error.value.row == 1
    with pytest.raises(pf.ArgumentMismatch, match="there is no column for the parameter `a` of `div`; there is `b`"):
        div.map(frame[["b"]])
    with pytest.raises(pf.ArgumentMismatch, match=r"\[2, 1\]"):
        div.map(left, [1])


def test_a_float_of_pandas_that_is_no_number_is_one(pandas, executor):
    echo = executor.load(DIV).echo
    assert maths.isnan(echo.map(pandas.Series([1.5, float("nan")])).iloc[1])
    nulls = pandas.Series([1.5, None], dtype="Float64")
    with pytest.raises(pf.ArgumentMismatch):
        echo.map(nulls)


def test_nulls_of_pandas_are_nulls(pandas, arrow, div, kinds):
    column = pandas.Series([6, None], dtype="Int64")
    results = div.map(column, [2, 4], nulls="null")
    assert str(results.dtype) == "Int64" and results.isna().tolist() == [False, True]
    assert str(div.map(pandas.Series([6, 8], dtype="int64[pyarrow]"), [2, 4]).dtype) == "int64[pyarrow]"
    assert kinds.echo_string.map(pandas.Series(["a", "b"], dtype="category")).tolist() == ["a", "b"]


def test_text_of_pandas_is_passed_with_and_without_pyarrow(pandas, kinds, monkeypatch):
    for _ in range(2):
        for texts in (pandas.Series(["a", "é"]), pandas.Series(["a", "é"], dtype=object)):
            assert kinds.echo_string.map(texts).tolist() == ["a", "é"]
        options = kinds.option_string.map(pandas.Series(["a", None], dtype=object))
        assert options.iloc[0] == "a" and options.isna().iloc[1]
        frame = pandas.DataFrame({"value": ["a", "b"]}, index=[3, 4])
        assert kinds.echo_string.map(frame).to_dict() == {3: "a", 4: "b"}
        # Once more as if pyarrow were not there.
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)


# What needs none of them


def test_ctrl_c_ends_a_map_of_columns(executor):
    # In a process of its own: see test_processes.
    module = executor.load(SLOW)

    def progress(rows):
        raise KeyboardInterrupt

    arrow = pytest.importorskip("pyarrow")
    with pytest.raises(KeyboardInterrupt):
        module.slow.map(arrow.array([1] * 100_000), progress=progress)


def test_memory_that_nobody_can_write_to_is_not_copied(kinds):
    numpy = pytest.importorskip("numpy")
    numbers = kinds.list_f64(numpy.arange(10_000.0))
    data = bytes(8 * 10_000)
    views = [numbers, numpy.asarray(numbers)[5:], memoryview(data), numpy.frombuffer(data)[3:], numpy.frombuffer(data)[1:].view("<i8")]
    for view in views:
        function = kinds.list_u8 if isinstance(view, memoryview) else kinds.list_s64 if getattr(view, "dtype", None) == "int64" else kinds.list_f64
        assert bytes(function(view)) == bytes(view)
    assert kinds.list_u8(data) == data and kinds.list_u8(data[:10]) == data[:10]
    # A call that is forked holds on to the bytes; until somebody comes back to Python, that is not undone.
    for given, holds in ((data, 1), (memoryview(data)[1:], 1), (memoryview(data)[:10], 0), (bytearray(data), 0)):
        before = sys.getrefcount(data)
        future = kinds.list_u8.fork(given)
        assert sys.getrefcount(data) == before + holds, given
        future.wait()
    # Not aligned: copied.
    odd = numpy.frombuffer(data[1:] + b"\x01", "u1")[1:-7].view("<f8")
    assert bytes(kinds.list_f64(odd)) == bytes(odd)


def test_an_array_that_only_says_that_it_is_read_only_is_copied(kinds):
    numpy = pytest.importorskip("numpy")
    array = numpy.ones(10_000, numpy.int64)
    view = array[:]
    view.flags.writeable = False
    future = kinds.sum.fork(view)
    array[:] = 0
    assert future.wait() == 10_000
    # Nor does one become another's memory by saying whose it is.
    claimed = (ctypes.c_int64 * 1000)(*[1] * 1000)

    class Claims(numpy.ndarray):
        base = bytes(8000)

    lying = numpy.frombuffer(claimed, numpy.int64).view(Claims)
    lying.flags.writeable = False
    assert kinds.sum(lying) == 1000
