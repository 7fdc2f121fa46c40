"""Arrays of numpy, and whatever else has an array: in by one copy, out by none."""

import pytest
from conftest import GUESTS, MATH

import purefork as pf

numpy = pytest.importorskip("numpy")


def test_results_are_viewed_without_a_copy(kinds):
    back = kinds["list-list"]([numpy.arange(5, dtype=numpy.int32)])[0]
    array = numpy.asarray(back)
    assert array.tolist() == [0, 1, 2, 3, 4] and not array.flags.owndata and not array.flags.writeable
    assert array.__array_interface__["data"][0] == back.__array_interface__["data"][0]
    del back
    assert array.sum() == 10


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u4", "<i8"])
def test_numbers_of_other_types_are_converted_where_they_fit(kinds, dtype):
    assert kinds.sum(numpy.array([1, 2, 3], dtype)) == 6


def test_numbers_that_do_not_fit_are_told_with_their_place(kinds):
    with pytest.raises(pf.ArgumentMismatch, match=r"at `\[1\]`: expected s64, .* but was given 18446744073709551615"):
        kinds.sum(numpy.array([1, 2**64 - 1], numpy.uint64))
    with pytest.raises(pf.ArgumentMismatch, match=r"at `\[0\]`: expected s64, .* but was given 1.5"):
        kinds.sum(numpy.array([1.5]))


def test_arrays_of_odd_forms_are_read_right_or_refused(kinds):
    assert kinds.sum(numpy.arange(10)[::2]) == 20
    assert kinds.sum(numpy.arange(10)[::-1]) == 45
    assert kinds.sum(numpy.array([], numpy.int64)) == 0
    for dtype in (">i8", ">i4"):
        with pytest.raises(pf.ArgumentMismatch, match="its bytes are in the other order"):
            kinds.sum(numpy.array([1, 2], dtype))
    with pytest.raises(pf.ArgumentMismatch, match="expected a buffer of 1 dimension, but was given one of 2"):
        kinds.sum(numpy.ones((2, 2), numpy.int64))
    with pytest.raises(pf.ArgumentMismatch, match="expected a buffer of 1 dimension, but was given one that cannot be read"):
        kinds.sum(numpy.array(3))
    with pytest.raises(pf.ArgumentMismatch, match="of format"):
        kinds.sum(numpy.array([1j]))
    with pytest.raises(pf.ArgumentMismatch):
        kinds.sum(numpy.array(["a"]))
    with pytest.raises(pf.ArgumentMismatch, match="expected numbers, but was given a buffer of format `e`"):
        kinds.sum(numpy.array([1.0], numpy.float16))


def test_scalars_of_numpy_are_numbers(math, kinds):
    assert math.add(numpy.int64(2), numpy.int8(3)) == 5
    assert math.half(numpy.float32(1.5)) == 0.75
    assert kinds.echo_bool(numpy.bool_(True)) is True
    with pytest.raises(pf.ArgumentMismatch):
        math.add(numpy.float64(2), 3)


def test_what_has_an_array_is_never_taken_one_by_one(kinds):
    class Tensor:
        def __array__(self, *_, **__):
            return numpy.arange(4)

        def __iter__(self):
            raise AssertionError("taken one by one")

    assert kinds.sum(Tensor()) == 6


def test_a_writable_array_may_change_once_the_call_is_forked(kinds):
    array = numpy.ones(1000, numpy.int64)
    future = kinds.sum.fork(array)
    array[:] = 0
    assert future.wait() == 1000


def test_tensors_are_arrays(kinds):
    for array in (numpy.ones((2, 3), numpy.float32), numpy.arange(4), numpy.array(1.5), numpy.zeros((0, 2), numpy.uint8)):
        back = kinds.echo_tensor(array)
        assert isinstance(back, pf.Tensor) and back.shape == array.shape
        assert numpy.array_equal(numpy.asarray(back), array) and numpy.asarray(back).dtype == array.dtype
    assert kinds.echo_tensor(numpy.ones((2, 3), numpy.float32).T).shape == (3, 2)
    assert kinds.echo_tensor(kinds.echo_tensor(numpy.ones(2))) == kinds.echo_tensor(numpy.ones(2))
    with pytest.raises(pf.ArgumentMismatch, match="expected a tensor"):
        kinds.echo_tensor("x")
    with pytest.raises(pf.ArgumentMismatch, match="expected a tensor"):
        kinds.echo_tensor(numpy.array([1j]))


def test_a_function_is_mapped_over_columns(executor):
    math = executor.load(MATH)
    left = numpy.arange(10_000, dtype=numpy.int32)
    sums = math.add.map(left, left)
    assert isinstance(sums, pf.Numbers) and numpy.array_equal(numpy.asarray(sums), left + left)
    assert math.add.map([1, 2], [3, 4]) == [4, 6]
    assert math.half.map(numpy.array([1.0, 3.0])) == [0.5, 1.5]
    assert math.half.map(left[:4]) == [0.0, 0.5, 1.0, 1.5], "whole numbers are exact as floats"
    assert math.half.map([]) == [] and math.half.map(numpy.array([])) == []
    assert math.add.map((n for n in range(3)), range(3)) == [0, 2, 4]


def test_the_error_of_a_row_is_raised_or_kept(executor):
    div = executor.load(MATH).div
    columns = numpy.array([4, 4, 4], numpy.int32), numpy.array([2, 0, 1], numpy.int32)
    with pytest.raises(pf.Trap) as error:
        div.map(*columns)
    assert error.value.row == 1
    kept = div.map(*columns, errors="keep")
    assert kept[0] == 2 and kept[2] == 4 and isinstance(kept[1], pf.Trap) and kept[1].row == 1


def test_columns_that_do_not_fit_are_told(executor):
    math = executor.load(MATH)
    with pytest.raises(pf.ArgumentMismatch, match="expected a column for each parameter"):
        math.add.map([1])
    with pytest.raises(pf.ArgumentMismatch, match=r"expected columns of one length, but was given \[2, 1\]"):
        math.add.map([1, 2], [1])
    with pytest.raises(pf.ArgumentMismatch, match=r"argument `b` of `add`: at `\[1\]`: expected i32"):
        math.add.map([1, 2], [1, "x"])
    with pytest.raises(pf.ArgumentMismatch, match="takes no arguments"):
        math.fail.map()
    with pytest.raises(ValueError):
        math.add.map([1], [1], errors="drop")


def test_progress_is_told_as_tqdm_wants_it(executor):
    told = []
    executor.load(MATH).half.map(numpy.arange(1000.0), progress=told.append)
    assert sum(told) == 1000

    class Bar:
        n = 0

        def update(self, n):
            self.n += n

    bar = Bar()
    executor.load(MATH).half.map(numpy.arange(10.0), progress=bar)
    assert bar.n == 10


@pytest.mark.parametrize("core, dtype", [("i32", "int32"), ("i64", "int64"), ("f32", "float32"), ("f64", "float64")])
@pytest.mark.parametrize("params", [1, 2, 3])
def test_columns_of_every_type_are_mapped_right(executor, core, dtype, params):
    names = [f"(param ${n} {core})" for n in "abc"[:params]]
    added = "(local.get $a)"
    for n in "bc"[: params - 1]:
        added = f"({core}.add {added} (local.get ${n}))"
    module = executor.load(f'(module (func (export "f") {" ".join(names)} (result {core}) {added}))')
    columns = [numpy.arange(5000).astype(dtype) * (n + 1) for n in range(params)]
    results = numpy.asarray(module.f.map(*columns))
    assert results.dtype == dtype and numpy.array_equal(results, sum(columns))
    # Of another type that fits, and as lists.
    assert numpy.array_equal(numpy.asarray(module.f.map(*[column.astype("int64") for column in columns])), sum(columns))
    assert module.f.map(*[column.tolist() for column in columns]) == sum(columns).tolist()


def test_a_function_whose_result_is_of_another_type_is_mapped(executor):
    module = executor.load(
        '(module (func (export "f") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))'
        ' (func (export "g") (param i32) (result f64 f64) (f64.convert_i32_s (local.get 0)) (f64.const 1)))'
    )
    assert module.f.map(numpy.array([1.5, 2.5])) == [1, 2]
    kept = module.f.map(numpy.array([1.5, float("nan"), 2.5]), errors="keep")
    assert kept[0] == 1 and kept[1].kind == "Trap" and kept[1].row == 1 and kept[2] == 2
    assert module.g.map(numpy.array([3], numpy.int32)) == [(3.0, 1.0)]
