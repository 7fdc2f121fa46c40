"""Python's classes for WIT's types."""

import collections.abc
import keyword
import weakref

from ._purefork import Numbers

# Classes by what they are made of, so that a value that was pickled is again one of the class that there is.
_known = weakref.WeakValueDictionary()


class _Box:
    __slots__ = ("value",)
    __match_args__ = ("value",)

    def __init__(self, value=None):
        object.__setattr__(self, "value", value)

    def __setattr__(self, name, value):
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __repr__(self):
        return f"{type(self).__name__}({self.value!r})"

    def __eq__(self, other):
        return self.value == other.value if type(other) is type(self) else NotImplemented

    def __hash__(self):
        return hash((type(self), self.value))

    def __reduce__(self):
        return type(self), (self.value,)


class Ok(_Box):
    """The `ok` of a `result`, where it is not opened: within another value, and of `function.as_result`."""

    __slots__ = ()


class Some(_Box):
    """A value of an option of an option, which `None` alone could not tell from none."""

    __slots__ = ()


Ok.__module__ = Some.__module__ = "purefork"

# The elements of tensors: what numpy calls them.
_DTYPES = {"fp16": "<f2", "fp32": "<f4", "fp64": "<f8", "u8": "|u1", "i32": "<i4", "i64": "<i8"}
_TENSORS = {"f2": "fp16", "f4": "fp32", "f8": "fp64", "u1": "u8", "i4": "i32", "i8": "i64"}


class Tensor:
    """Numbers in any number of dimensions: `shape`, `dtype` as `fp32` and the like, and `data`, a buffer of its bytes.

    `numpy.asarray(tensor)` views it without a copy.
    """

    __slots__ = ("shape", "dtype", "data")
    __module__ = "purefork"

    def __init__(self, shape, dtype, data):
        self.shape, self.dtype, self.data = tuple(shape), dtype, data

    def __array__(self, dtype=None, copy=None):
        import numpy

        if self.dtype not in _DTYPES:
            raise TypeError(f"numpy has no numbers of type {self.dtype}")
        array = numpy.frombuffer(self.data, _DTYPES[self.dtype]).reshape(self.shape)
        return array.astype(dtype) if dtype is not None and array.dtype != dtype else array.copy() if copy else array

    def __eq__(self, other):
        if not isinstance(other, Tensor):
            return NotImplemented
        return (self.shape, self.dtype, bytes(self.data)) == (other.shape, other.dtype, bytes(other.data))

    def __repr__(self):
        return f"Tensor(shape={self.shape}, dtype={self.dtype!r})"

# For `match`, and `isinstance`.
collections.abc.Sequence.register(Numbers)


def tensor_parts(given):
    """The dimensions, the type and the bytes of an array; None if it is none."""
    if isinstance(given, Tensor):
        return list(given.shape), given.dtype, given.data
    if not hasattr(given, "__array_interface__"):
        if hasattr(given, "__array__"):
            given = given.__array__()
        elif hasattr(given, "__dlpack__"):
            import numpy

            given = numpy.from_dlpack(given)
        else:
            return None
    import numpy

    array = numpy.ascontiguousarray(given).reshape(numpy.shape(given))
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("="))
    name = _TENSORS.get(array.dtype.str[1:])
    if name is None:
        return None
    return list(array.shape), name, memoryview(array.reshape(-1).view(numpy.uint8))


def attribute(name):
    """A name of WIT's as one of Python's: `dark-blue` is `dark_blue`, `type` stays, `class` is `class_`."""
    name = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
    if not name or name[0].isdigit():
        name = "_" + name
    return name + "_" if keyword.iskeyword(name) else name


def class_name(name):
    """`dark-blue` is `DarkBlue`."""
    made = "".join(part[:1].upper() + part[1:] for part in attribute(name).split("_") if part)
    return made + "_" if keyword.iskeyword(made) else made


# What stands in signatures beside a module's own types.
_OWN = {"Err", "Module", "None", "Numbers", "Ok", "Some", "Tensor"}


class Types:
    """The Python classes of one module's types: its attributes, by name."""

    def __init__(self):
        self._made = {}

    def _class(self, kind, name, interface, docs, written, parts, make):
        key = (kind, name, interface, written)
        if key in self._made:
            return self._made[key]
        base = class_name(name or kind)
        if base in _OWN:
            base += "_"
        public, number = base, 1
        while public in self.__dict__:
            number += 1
            public = f"{base}{number}"
        made = make(public)
        # A core module's custom section may say anything; this is shown as it is to whoever asks for help.
        made.__doc__ = docs or f"`{name or kind}` of {interface or 'the module'}: {written}"
        self._made[key] = made
        self.__dict__[public] = made
        made._spec = (kind, name, interface, docs, written, tuple(parts))
        _known[key] = made
        return made

    def record(self, name, interface, docs, written, fields):
        import dataclasses

        def make(public):
            return dataclasses.make_dataclass(
                public,
                [(attribute(field), hint) for field, hint in fields],
                frozen=True,
                slots=True,
                namespace={"__module__": __name__, "__reduce__": _reduced},
            )

        return self._class("record", name, interface, docs, written, fields, make)

    def variant(self, name, interface, docs, written, cases):
        import dataclasses

        def make(public):
            base = type(public, (), {"__slots__": (), "__module__": __name__, "__reduce__": _reduced, "_name": None})
            made = {}
            for case, hint in cases:
                own = class_name(case)
                one = dataclasses.make_dataclass(
                    own,
                    [] if hint is None else [("value", hint)],
                    bases=(base,),
                    frozen=True,
                    slots=True,
                    namespace={"__module__": __name__, "__qualname__": f"{public}.{own}"},
                )
                one.__qualname__ = f"{public}.{own}"
                one._name = case
                made[case] = one
                setattr(base, own, one)
            base._case = staticmethod(made.__getitem__)
            return base

        return self._class("variant", name, interface, docs, written, cases, make)

    def enum(self, name, interface, docs, written, cases):
        import enum

        def make(public):
            base = enum.Enum("Enum", [], module=__name__)
            base.__reduce_ex__ = _reduced_member
            return base(public, [(attribute(case).upper(), case) for case in cases], module=__name__)

        return self._class("enum", name, interface, docs, written, cases, make)

    def flags(self, name, interface, docs, written, names):
        import enum

        def make(public):
            members = [(attribute(flag).upper(), 1 << at) for at, flag in enumerate(names)]
            base = enum.Flag("Flag", [], module=__name__)
            base.__reduce_ex__ = _reduced_member
            return base(public, members, module=__name__)

        return self._class("flags", name, interface, docs, written, names, make)

    def __repr__(self):
        names = ", ".join(name for name in self.__dict__ if not name.startswith("_"))
        return f"<types: {names}>" if names else "<no types of its own>"


def _reduced(self):
    import dataclasses

    values = tuple(getattr(self, field.name) for field in dataclasses.fields(self))
    return _value_again, (self._spec, getattr(self, "_name", None), values)


def _reduced_member(self, _):
    return _value_again, (type(self)._spec, None, (self.value,))


# Of modules that are not in this process: classes of the values that came from it.
_others = None


def _value_again(spec, case, values):
    """A value as it was pickled: of the class that a module here has for it, if one has, else of one like it."""
    global _others
    kind, name, interface, docs, written, parts = spec
    made = _known.get((kind, name, interface, written))
    if made is None:
        _others = _others or Types()
        made = getattr(_others, kind)(name, interface, docs, written, list(parts))
    return (made if case is None else made._case(case))(*values)


def signature(params, result):
    """What `inspect.signature` gives."""
    import inspect

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind, annotation=hint) for name, hint in params]
    return inspect.Signature(parameters, return_annotation=result)


def numbers_again(raw):
    """A buffer of numbers as it was pickled."""
    form, data = raw
    return Numbers._of(memoryview(data).cast(form))
