"""Stubs for type checkers: what a module's functions take and give."""

import os


def stubs(source, *, executor=None):
    """The text of a `.pyi` file for a module: `purefork.stubs("m.wasm")`. What is loaded by `purefork.load` is cast to its class `Module`."""
    from ._executor import default_executor
    from ._purefork import Module

    module = source if isinstance(source, Module) else (executor or default_executor()).load(source)
    types = module.types
    lines = [
        "from dataclasses import dataclass",
        "from enum import Enum, Flag",
        "from typing import Protocol",
        "from purefork import Err, Future, Numbers, Ok, Some, Tensor",
        "",
    ]
    for name, made in vars(types).items():
        if not name.startswith("_"):
            lines += [*_class(name, made), ""]
    functions = []
    for function in module.functions:
        name = _own(function.exact_name)
        params, result = function._hints()
        functions.append((name, "".join(f", {param}: {hint}" for param, hint in params), result))
    for name, params, result in functions:
        lines += [
            f"class _{name}(Protocol):",
            f"    def __call__(self{params}) -> {result}: ...",
            f"    def fork(self{params}) -> Future[{result}]: ...",
            "",
        ]
    lines.append("class Module:")
    lines += [f"    {name}: _{name}" for name, _, _ in functions] or ["    ..."]
    return "\n".join(lines) + "\n"


def _own(name):
    from ._types import attribute

    return attribute(name.rsplit("#", 1)[-1])


def _class(name, made, indent=""):
    import dataclasses
    import enum

    if issubclass(made, enum.Flag):
        return [f"{indent}class {name}(Flag):", *(f"{indent}    {member.name} = {member.value}" for member in made)]
    if issubclass(made, enum.Enum):
        return [f"{indent}class {name}(Enum):", *(f"{indent}    {member.name} = {member.value!r}" for member in made)]
    if dataclasses.is_dataclass(made):
        fields = [f"{indent}    {field.name}: {field.type}" for field in dataclasses.fields(made)]
        return [f"{indent}@dataclass(frozen=True)", f"{indent}class {name}:", *(fields or [f"{indent}    ..."])]
    cases = [(case, one) for case, one in vars(made).items() if isinstance(one, type) and issubclass(one, made)]
    lines = [f"{indent}class {name}:"]
    for case, one in cases:
        fields = dataclasses.fields(one)
        lines += [
            f"{indent}    @dataclass(frozen=True)",
            f"{indent}    class {case}({name}):  # type: ignore[misc]",
            *(f"{indent}        {field.name}: {field.type}" for field in fields),
            *([] if fields else [f"{indent}        ..."]),
        ]
    return lines


def main(arguments):
    """`python -m purefork stubs MODULE [-o FILE]`."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m purefork stubs MODULE [-o FILE]")
        return 0 if arguments else 2
    text = stubs(arguments[0])
    if len(arguments) == 3 and arguments[1] == "-o":
        with open(os.fspath(arguments[2]), "w", encoding="utf-8") as file:
            file.write(text)
        return 0
    if len(arguments) != 1:
        print("usage: python -m purefork stubs MODULE [-o FILE]")
        return 2
    print(text, end="")
    return 0
