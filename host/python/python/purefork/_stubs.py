"""Stubs for type checkers: what a module's functions take and give."""

import ast
import sys

_HEADER = """\
import builtins as builtins_
import dataclasses as dataclasses_
import enum as enum_
from collections.abc import Iterable as Iterable_, Mapping as Mapping_, Sequence as Sequence_
from typing import Any as Any_, SupportsIndex as SupportsIndex_
from purefork import Err, Function as Function_, Future as Future_, Module as Module_, Numbers, Ok, Some, Tensor
from typing_extensions import Buffer as Buffer_
"""


def stubs(source, *, executor=None):
    """The text of a `.pyi` file for a module: `purefork.stubs("m.wasm")`. What is loaded by `purefork.load` is cast to its class `Module`."""
    from ._executor import default_executor
    from ._purefork import Module

    module = source if isinstance(source, Module) else (executor or default_executor()).load(source)
    classes = {name: made for name, made in vars(module.types).items() if not name.startswith("_")}
    lines = [_HEADER]
    for name, made in classes.items():
        lines += [*_class(name, made), ""]
    members = []
    for name, function in _attributes(module):
        params, result = function._hints()
        taken = "".join(f", {param}: {_taken(hint, classes)}" for param, hint in _distinct(params))
        # Whatever a parameter is called.
        this = "_self" if any(param == "self" for param, _ in params) else "self"
        given = _given(result)
        lines += [
            f"class _{name}(Function_):",
            f"    def __call__({this}{taken}) -> {given}: ...",
            f"    def fork({this}{taken}) -> Future_[{given}]: ...",
            "",
        ]
        members.append(f"    {name}: _{name}")
    lines += ["class Module(Module_):", *(members or ["    ..."])]
    return "\n".join(lines) + "\n"


def _attributes(module):
    """The functions that are a module's attributes, by name; the others are there by `module["name"]`."""
    named = {}
    for function in module.functions:
        for name in {function.exact_name, function.exact_name.rsplit("#", 1)[-1]}:
            name = _attribute(name)
            if module.__dict__.get(name) == function:
                named[name] = function
    return named.items()


def _attribute(name):
    from ._types import attribute

    return attribute(name)


def _distinct(params):
    """The parameters; of those of one name the later ones, which can only be given by position, with another."""
    seen = set()
    for name, hint in params:
        while name in seen:
            name += "_"
        seen.add(name)
        yield name, hint


class _Given(ast.NodeTransformer):
    """What a value is in Python: a list of numbers is a buffer of them."""

    NUMBERS = "Numbers"

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if ast.unparse(node) in ("list[int]", "list[float]"):
            return _expression(self.NUMBERS.format(element=ast.unparse(node.slice)))
        return node


class _Field(_Given):
    """The same, of what is both made by Python and given to it."""

    NUMBERS = "Sequence_[{element}]"


class _Taken(ast.NodeTransformer):
    """What Python takes for a value."""

    def __init__(self, classes):
        self._classes = classes

    def visit_Subscript(self, node):
        if isinstance(node.value, ast.Name) and node.value.id == "list":
            element = ast.unparse(self.visit(node.slice))
            numbers = isinstance(node.slice, ast.Name) and node.slice.id in ("int", "float", "bool")
            return _expression(f"Iterable_[{element}] | Buffer_ | Any_" if numbers else f"Iterable_[{element}]")
        return self.generic_visit(node)

    def visit_Name(self, node):
        wider = {"int": "SupportsIndex_", "bytes": "Buffer_ | Iterable_[SupportsIndex_]", "Tensor": "Any_"}.get(node.id)
        if wider is None and node.id in self._classes:
            wider = f"{node.id} | {_WIDER[_kind(self._classes[node.id])]}"
        return node if wider is None else _expression(wider)


_WIDER = {"record": "Mapping_[str, Any_]", "variant": "Mapping_[str, Any_] | str", "enum": "str", "flags": "Iterable_[str]"}


def _expression(text):
    return ast.parse(text, mode="eval").body


def _given(hint):
    return ast.unparse(_Given().visit(_expression(hint)))


def _taken(hint, classes):
    taken = ast.unparse(_Taken(classes).visit(_expression(hint)))
    # A call starts when a future that is an argument is complete.
    return taken if taken.endswith("Any_") else f"{taken} | Future_[{hint}]"


def _kind(made):
    return made._spec[0]


def _class(name, made):
    import dataclasses

    kind = _kind(made)
    if kind == "flags":
        return [f"class {name}(enum_.Flag):", *(f"    {member.name} = {member.value}" for member in made)]
    if kind == "enum":
        return [f"class {name}(enum_.Enum):", *(f"    {member.name} = {member.value!r}" for member in made)]
    if kind == "record":
        return ["@dataclasses_.dataclass(frozen=True)", f"class {name}:", *_fields(made, "    ")]
    lines = [f"class {name}:"]
    for case, one in vars(made).items():
        if dataclasses.is_dataclass(one):
            lines += ["    @dataclasses_.dataclass(frozen=True)", f"    class {case}({name}):", *_fields(one, "        ")]
    return lines


class _Qualified(ast.NodeTransformer):
    """Names of built-in types where a field is called like one."""

    def visit_Name(self, node):
        if node.id in ("int", "float", "bool", "str", "bytes", "list", "tuple"):
            return _expression(f"builtins_.{node.id}")
        return node


def _fields(made, indent):
    import dataclasses

    fields = dataclasses.fields(made)
    lines = []
    for field in fields:
        hint = _Qualified().visit(_Field().visit(_expression(field.type)))
        lines.append(f"{indent}{field.name}: {ast.unparse(hint)}")
    return lines or [f"{indent}..."]


_USAGE = "usage: python -m purefork stubs MODULE [-o FILE]"


def main(arguments):
    """`python -m purefork stubs MODULE [-o FILE]`; gives the exit code, as those of the command line."""
    from ._errors import Error

    if arguments[:1] in (["-h"], ["--help"]):
        print(_USAGE)
        return 0
    if len(arguments) not in (1, 3) or arguments[1:2] not in ([], ["-o"]):
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        text = stubs(arguments[0])
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 3 if error.kind == "Impure" else 2
    if len(arguments) == 1:
        print(text, end="")
        return 0
    try:
        with open(arguments[2], "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        print(f"error: cannot write `{arguments[2]}`: {error.strerror}", file=sys.stderr)
        return 2
    return 0
