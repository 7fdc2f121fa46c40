"""Columns and tables of pyarrow, polars and pandas, and of what else gives itself as columns of Arrow: the results of `Function.map` are of the
same library.

Nothing here imports a library that the columns are not of, but for pyarrow, which pandas has its text and its nulls read and made by, if it is there.
"""

from ._errors import ArgumentMismatch

# Classes of whole tables, and of columns, by library. What is neither tells by its type.
_TABLES = {"pyarrow": {"Table", "RecordBatch", "RecordBatchReader"}, "polars": {"DataFrame"}, "pandas": {"DataFrame"}}
_COLUMNS = {"polars": {"Series"}, "pandas": {"Series", "Index"}}


def _library(given):
    """Whose class it is, or is derived from."""
    libraries = [base.__module__.partition(".")[0] for base in type(given).__mro__]
    return next((library for library in libraries if library in _TABLES), libraries[0])


def _is_table(given):
    """Whether it is a table; None of what nobody knows."""
    library, names = _library(given), {base.__name__ for base in type(given).__mro__}
    if names & _TABLES.get(library, set()):
        return True
    if library == "pyarrow" or names & _COLUMNS.get(library, set()):
        return False
    return None


def _is_foreign(given):
    return hasattr(given, "__arrow_c_array__") or hasattr(given, "__arrow_c_stream__") or _library(given) == "pandas"


def prepared(function, columns, keep, null):
    """What `Function.map` does with columns of which some are of another library: the columns to be taken, whether the only one is a table,
    whether all are lists and arrays, and what gives the results as the library has them. Called by the native half.
    """
    like = next(column for column in columns if _is_foreign(column))
    tables = [_is_table(column) for column in columns]
    if len(columns) > 1 and any(tables):
        raise ArgumentMismatch(
            f"expected columns, but was given a {type(columns[tables.index(True)]).__name__} among {len(columns)} arguments: a table is given "
            "alone, and its columns are the parameters of their names"
        )
    _of_one_length(columns)
    if tables[0] and _library(like) == "pandas":
        columns, tables = _by_name(function, like), [False]
    given = tuple(_from_pandas(column) if _library(column) == "pandas" else column for column in columns)
    table = tables[0] if len(columns) == 1 else False
    if not keep and not null and not any(map(_is_foreign, given)):
        return given, table, True, lambda results: _as_pandas_plain(results, function, like)
    return given, table, False, lambda results: _restored(results, function, like)


def _of_one_length(columns):
    lengths = [len(column) if hasattr(column, "__len__") else None for column in columns]
    if len({length for length in lengths if length is not None}) > 1:
        raise ArgumentMismatch(f"expected columns of one length, but was given {lengths}")


def _restored(results, function, like):
    """The results as what the library of the columns has."""
    library = _library(like)
    name = function.__name__
    if library == "pyarrow":
        import pyarrow

        if type(like).__name__ in ("Table", "ChunkedArray", "RecordBatchReader"):
            return pyarrow.chunked_array([pyarrow.array(chunk) for chunk in results.chunks])
        return pyarrow.array(results)
    if library == "polars":
        import polars

        series = polars.Series(results)
        return series.alias(like.name if isinstance(like, polars.Series) else name)
    if library == "pandas":
        return _as_pandas(results, function, like)
    return results


# pandas


def _by_name(function, frame):
    """The columns of a frame for the parameters of their names, in which dashes and underscores are the same."""

    def plain(name):
        return str(name).replace("_", "-").lower()

    found = []
    for parameter, _ in function.types[0]:
        at = [n for n, name in enumerate(frame.columns) if plain(name) == plain(parameter)]
        if len(at) != 1:
            known = ", ".join(f"`{name}`" for name in frame.columns[:20]) or "none"
            what = f"there is no column for the parameter `{parameter}`" if not at else f"the column `{parameter}` is there twice"
            raise ArgumentMismatch(f"{what} of `{function.__name__}`; there is {known}")
        found.append(frame.iloc[:, at[0]])
    if not found:
        raise ArgumentMismatch(f"`{function.__name__}` takes no arguments: there are no rows to call it with")
    return tuple(found)


def _pyarrow():
    try:
        import pyarrow
    except ImportError:
        return None
    return pyarrow


def _from_pandas(series):
    """A column of pandas as one of numpy, where that has numbers: a NaN is one. As one of Arrow else, where nothing is a null."""
    dtype = getattr(series, "dtype", None)
    if getattr(dtype, "kind", "O") in "biuf" and type(dtype).__module__.partition(".")[0] == "numpy":
        return series.to_numpy()
    pyarrow = _pyarrow()
    if pyarrow is None:
        return [None if missing else item for item, missing in zip(series.tolist(), series.isna().tolist())]
    try:
        return pyarrow.array(series, from_pandas=True)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError, OverflowError):
        # Objects of more than one type, or of one that Arrow has none for.
        return [None if missing is True else item for item, missing in zip(series.tolist(), series.isna().tolist())]


def _labelled(values, function, like, **keywords):
    import pandas

    index = like if isinstance(like, pandas.Index) else like.index
    name = like.name if isinstance(like, pandas.Series) else function.__name__
    return pandas.Series(values, index=None if isinstance(like, pandas.Index) else index, name=name, **keywords)


def _as_pandas_plain(results, function, like):
    if hasattr(results, "__array_interface__"):
        import numpy

        results = numpy.asarray(results)
    return _labelled(results, function, like)


def _as_pandas(results, function, like):
    import pandas

    pyarrow = _pyarrow()
    if pyarrow is None:
        return _labelled(results.to_pylist(), function, like)
    array = pyarrow.chunked_array([pyarrow.array(chunk) for chunk in results.chunks])
    dtypes = like.dtypes if isinstance(like, pandas.DataFrame) else [like.dtype]
    if any(isinstance(dtype, pandas.ArrowDtype) for dtype in dtypes):
        return _labelled(pandas.arrays.ArrowExtensionArray(array), function, like)
    # Whole numbers and truth values that are partly null are exact in pandas's own types for these alone.
    exact = {
        pyarrow.bool_(): pandas.BooleanDtype(),
        pyarrow.int8(): pandas.Int8Dtype(),
        pyarrow.int16(): pandas.Int16Dtype(),
        pyarrow.int32(): pandas.Int32Dtype(),
        pyarrow.int64(): pandas.Int64Dtype(),
        pyarrow.uint8(): pandas.UInt8Dtype(),
        pyarrow.uint16(): pandas.UInt16Dtype(),
        pyarrow.uint32(): pandas.UInt32Dtype(),
        pyarrow.uint64(): pandas.UInt64Dtype(),
    }
    series = array.to_pandas(types_mapper=exact.get if array.null_count else None)
    return _labelled(series.array, function, like)
