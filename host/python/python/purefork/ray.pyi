from collections.abc import Generator, Iterable, Mapping
from typing import Any, Literal

from . import Function, Module

def describe(function: Function | Module) -> tuple[Any, str, bool]: ...
def ray_fork(function: Function | Module, /, *args: Any, options: Mapping[str, Any] | None = None, **keywords: Any) -> Any: ...
def ray_map(
    function: Function | Module,
    *columns: Iterable[Any],
    chunk: int | Literal["auto"] = "auto",
    errors: Literal["raise", "keep"] = "raise",
    options: Mapping[str, Any] | None = None,
) -> Generator[Any, None, None]: ...
def ray_chunks(
    function: Function | Module,
    *columns: Any,
    chunk: int | Literal["auto"] = "auto",
    errors: Literal["raise", "keep"] = "raise",
    options: Mapping[str, Any] | None = None,
) -> Generator[Any, None, None]: ...

class MapBatches:
    def __init__(self, of: tuple[Any, str, bool], columns: Iterable[str], result: str) -> None: ...
    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]: ...

__all__ = ["MapBatches", "describe", "ray_chunks", "ray_fork", "ray_map"]
