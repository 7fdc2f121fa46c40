"""Values both ways: exact, or an error that says where."""

import array
import copy
import dataclasses
import enum
import inspect
import math as floats
import pickle
import subprocess
import sys

import pytest

import purefork as pf


@pytest.mark.parametrize(
    "name, values",
    [
        ("echo_s8", [-128, 127]),
        ("echo_u8", [0, 255]),
        ("echo_s16", [-(2**15), 2**15 - 1]),
        ("echo_u16", [2**16 - 1]),
        ("echo_s32", [-(2**31), 2**31 - 1]),
        ("echo_u32", [2**32 - 1]),
        ("echo_s64", [-(2**63), 2**63 - 1]),
        ("echo_u64", [2**64 - 1, 2**53 + 1]),
        ("echo_bool", [True, False]),
        ("echo_char", ["é", "\U0001f600", "\0"]),
        ("echo_string", ["", "a\0b", "héé\U0001f600" * 1000]),
        ("echo_f64", [0.1, -0.0, float("inf"), 5e-324]),
        ("option_number", [None, 0, 2**64 - 1]),
        ("option_string", [None, "", "x"]),
        ("tuple_two", [(1, "a")]),
        ("list_string", [[], ["a", "b"]]),
        ("list_list", [[[1, 2], [], [3]]]),
        ("list_bool", [[True, False]]),
        ("list_tuple", [[("a", 1)]]),
        ("list_option", [[None, 1]]),
        ("option_option", [None, pf.Some(None), pf.Some(3)]),
    ],
)
def test_a_value_comes_back_as_it_went(kinds, name, values):
    for value in values:
        back = kinds[name](value)
        assert back == value and repr(back) == repr(value) if not isinstance(back, list) else list(map(_plain, back)) == value


def _plain(value):
    return value.tolist() if isinstance(value, pf.Numbers) else value


def test_a_float_is_rounded_to_a_shorter_one_and_a_nan_is_a_nan(kinds):
    assert kinds.echo_f32(0.1) == pytest.approx(0.1, abs=1e-8) and kinds.echo_f32(0.1) != 0.1
    assert floats.isnan(kinds.echo_f64(float("nan")))
    with pytest.raises(pf.ArgumentMismatch, match="expected f32"):
        kinds.echo_f32(1e300)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("echo_u8", 256, "expected u8, a whole number from 0 to 255, but was given 256, of type int"),
        ("echo_u8", -1, "but was given -1"),
        ("echo_s64", 2**63, "expected s64"),
        ("echo_u64", 2**64, "expected u64"),
        ("echo_s32", 1.0, "but was given 1.0, of type float"),
        ("echo_s32", float("nan"), "but was given nan, of type float"),
        ("echo_s32", "1", "but was given '1', of type str"),
        ("echo_s32", None, "but was given None"),
        ("echo_bool", 1, "expected bool"),
        ("echo_char", "ab", "expected char, but was given 'ab'"),
        ("echo_char", "", "expected char"),
        ("echo_string", b"x", "expected string, but was given b'x', of type bytes"),
        ("echo_string", "a\ud800", "which has a lone surrogate"),
        ("list_string", "abc", "expected list<string>, but was given 'abc'"),
        ("list_string", ["a", 1], r"at `\[1\]`: expected string, but was given 1"),
        ("list_list", [[1], [2, "x"]], r"at `\[1\]\[1\]`: expected s32"),
        ("tuple_two", (1,), "expected 2 members, but was given 1"),
        ("tuple_two", (1, 2), r"at `\[1\]`: expected string"),
        ("option_option", 300, "expected u8"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(kinds, name, value, message):
    with pytest.raises(pf.ArgumentMismatch, match=message) as error:
        kinds[name](value)
    assert isinstance(error.value, TypeError)
    assert f"argument `value` of `{name.replace('_', '-')}`" in str(error.value)


def test_records_are_frozen_dataclasses_with_the_names_of_the_wit(kinds):
    T = kinds.types
    home = T.Point(x=1.5, y=2.5)
    person = T.Person(name="Ann", age=None, home=home, type=T.Colour.DARK_BLUE, friends=["Bob"])
    back = kinds.echo_person(person)
    assert back == person and type(back) is T.Person and dataclasses.is_dataclass(back)
    assert repr(back.home) == "Point(x=1.5, y=2.5)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        back.name = "Eve"
    # A dict, in any order, with what is optional left out; or any object with these attributes.
    given = {"friends": ("Bob",), "type": "dark-blue", "home": {"y": 2.5, "x": 1.5}, "name": "Ann"}
    assert kinds.echo_person(given) == person
    assert kinds.echo_person(value=person) == person


@pytest.mark.parametrize(
    "change, message",
    [
        ({"home": {"x": 1, "y": "q"}}, "at `.home.y`: expected f64, but was given 'q'"),
        ({"home": {"x": 1}}, "at `.home`: was not given the field `y`"),
        ({"home": 3}, "at `.home`: expected record"),
        ({"colour": 3}, "there is no field `colour`: there are `name`"),
        ({"type": "pink"}, "at `.type`: there is no case `pink`: there are `red`, `green`, `dark-blue`"),
        ({"friends": ["a", 2]}, r"at `.friends\[1\]`: expected string"),
    ],
)
def test_what_is_wrong_deep_inside_is_told_with_its_path(kinds, change, message):
    given = {"name": "Ann", "home": {"x": 1.0, "y": 2.0}, "type": "red", "friends": []} | change
    with pytest.raises(pf.ArgumentMismatch, match=message):
        kinds.echo_person(given)


def test_variants_are_matched(kinds):
    Shape = kinds.types.Shape
    match kinds.echo_variant(Shape.Circle(2.0)):
        case Shape.Circle(radius):
            assert radius == 2.0
        case _:
            raise AssertionError
    for shape in (Shape.Nothing(), Shape.Text("x"), Shape.Pair((1, kinds.types.Point(1.0, 2.0)))):
        assert kinds.echo_variant(shape) == shape and isinstance(shape, Shape)
    assert kinds.echo_variant("nothing") == Shape.Nothing()
    assert kinds.echo_variant({"circle": 1.0}) == Shape.Circle(1.0)
    with pytest.raises(pf.ArgumentMismatch, match="there is no case `square`"):
        kinds.echo_variant({"square": 1.0})
    with pytest.raises(pf.ArgumentMismatch, match="at `.circle`: expected f64"):
        kinds.echo_variant(Shape.Circle("wide"))


def test_enums_are_enums_and_texts_are_taken(kinds):
    Colour = kinds.types.Colour
    assert issubclass(Colour, enum.Enum) and [case.value for case in Colour] == ["red", "green", "dark-blue"]
    assert kinds.echo_enum("red") is Colour.RED and kinds.echo_enum(Colour.GREEN) is Colour.GREEN
    assert kinds.list_enum(["red", Colour.GREEN]) == [Colour.RED, Colour.GREEN]


FLAGS = """(component
    (core module $m
        (memory (export "memory") 1)
        (func (export "f") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (type $f (flags "read" "write" "run-it"))
    (import "rights" (type $rights (eq $f)))
    (func $f (param "of" $rights) (result $rights) (canon lift (core func $i "f")))
    (export "f" (func $f)))"""


def test_flags_are_flags(executor):
    module = executor.load(FLAGS)
    Rights = module.types.Rights
    both = Rights.READ | Rights.RUN_IT
    assert issubclass(Rights, enum.Flag) and module.f(both) == both
    assert module.f(["run-it", "read"]) == both and module.f([]) == Rights(0)
    with pytest.raises(pf.ArgumentMismatch, match="there is no flag `fly`"):
        module.f(["fly"])


def test_a_result_is_opened_or_raised_or_as_it_is_where_that_is_asked_for(kinds):
    assert kinds.result_both(pf.Ok(3)) == 3
    with pytest.raises(pf.Err) as error:
        kinds.result_both(pf.Err("no"))
    assert error.value.value == "no" and error.value == pf.Err("no")
    whole = kinds.result_both.as_result
    with pf.Executor(threads=1) as executor:
        assert list(executor.map(kinds.result_ok.as_result, [pf.Ok(4)])) == [pf.Ok(4)]
        assert [type(given) for given in executor.map(whole, [pf.Err("no"), pf.Ok(3)])] == [pf.Err, pf.Ok]
    assert whole(pf.Ok(3)) == pf.Ok(3) and whole(pf.Err("no")) == pf.Err("no")
    assert kinds.result_none(pf.Ok()) is None
    match kinds.result_ok.as_result(pf.Ok(4)):
        case pf.Ok(value):
            assert value == 4
    with pytest.raises(pf.ArgumentMismatch, match=r"expected Ok\(…\) or Err\(…\)"):
        kinds.result_both(3)
    with pytest.raises(pf.ArgumentMismatch, match="at `.ok`: expected u32"):
        kinds.result_both(pf.Ok("x"))


def test_functions_have_signatures_documentation_and_names(kinds, math):
    assert str(inspect.signature(math.add)) == "(a: 'int', b: 'int') -> 'int'"
    assert math.add.__name__ == "add" and math.add.__doc__.startswith("add(a: i32, b: i32) -> i32")
    assert {"add", "div", "preinit"} <= set(dir(math))
    assert math["add"] == math.add and hash(math["add"]) == hash(math.add) and "add" in math and "nope" not in math
    assert kinds.echo_person.__annotations__ == {"value": "Person", "return": "Person"}
    assert [function.__name__ for function in math] == [function.__name__ for function in math.functions]
    assert "add(a: i32" in repr(math.add) and "add, sub" in repr(math)


def test_a_function_without_a_result_gives_none_and_one_with_two_a_tuple(math):
    assert math.unit() is None and math.pair() == (1, 2)


def test_an_integer_of_a_core_module_has_no_sign(math):
    assert math.add(2**32 - 1, 0) == -1
    with pytest.raises(pf.ArgumentMismatch):
        math.add(2**32, 0)


@pytest.mark.parametrize("args, keywords, message", [
    ((1,), {}, "was not given `b`"),
    ((), {}, "was not given `a`, `b`"),
    ((1, 2, 3), {}, "was given 3 arguments"),
    ((1, 2), {"a": 1}, "was given `a` twice"),
    ((1,), {"c": 1}, "was given `c`"),
])
def test_arguments_that_are_not_the_functions_are_told(math, args, keywords, message):
    with pytest.raises(pf.ArgumentMismatch) as error:
        math.add(*args, **keywords)
    assert str(error.value).startswith(f"expected `add(a: i32, b: i32) -> i32`, but {message}")


def test_a_generator_that_raises_in_the_middle_raises_what_it_raises(kinds):
    def broken():
        yield 1
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        kinds.sum(broken())
    assert kinds.sum(n for n in range(4)) == 6


def test_values_that_nest_without_end_are_refused(kinds):
    endless = []
    endless.append(endless)
    with pytest.raises(pf.ArgumentMismatch):
        kinds.list_list(endless)


def test_lists_of_numbers_are_buffers(kinds):
    back = kinds["list-list"]([[1, 2, 3]])[0]
    assert isinstance(back, pf.Numbers) and back == [1, 2, 3] and len(back) == 3 and back[-1] == 3 and back[1:] == [2, 3]
    view = memoryview(back)
    assert view.readonly and view.format == "i" and view.tolist() == [1, 2, 3]
    assert list(back) == [1, 2, 3] and 2 in back and repr(back) == "Numbers([1, 2, 3])"
    with pytest.raises(IndexError):
        back[3]
    assert list(reversed(back)) == [3, 2, 1] and back.index(2) == 1 and back.count(3) == 1 and back.count(4) == 0
    with pytest.raises(ValueError):
        back.index(1, 1)
    match back:
        case [1, *rest]:
            assert rest == [2, 3]
        case _:
            pytest.fail("it is a sequence")
    assert copy.copy(back) is back and copy.deepcopy([back])[0] is back
    again = pickle.loads(pickle.dumps(back))
    assert isinstance(again, pf.Numbers) and again == back and memoryview(again).format == "i"
    assert kinds.sum(array.array("q", [1, 2])) == 3 and kinds.sum(memoryview(array.array("h", [1, 2]))) == 3


def test_purefork_has_stubs_for_a_module(kinds):
    text = pf.stubs(kinds)
    compile(text, "kinds.pyi", "exec")
    assert "class Person:" in text and "    echo_person: _echo_person\n" in text
    assert "    def fork(self, value: Person | Mapping_[str, Any_] | Future_[Person]) -> Future_[Person]: ..." in text
    # Arrays are taken, and a buffer is given.
    assert "def __call__(self, value: Iterable_[Iterable_[SupportsIndex_] | Buffer_ | Any_] | Future_[list[list[int]]]) -> list[Numbers]: ..." in text


# Names that mean something in Python, or in stubs.
NAMES = """(component
    (core module $m (memory (export "memory") 1) (func (export "f") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (type $f (flags "read" "run-it"))
    (import "ok" (type $ok (eq $f)))
    (type $e (enum "none" "class"))
    (import "enum" (type $enum (eq $e)))
    (func $f (param "self" $ok) (result $ok) (canon lift (core func $i "f")))
    (func $e (param "class" $enum) (result $enum) (canon lift (core func $i "f")))
    (export "f" (func $f))
    (export "lambda" (func $e))
    (export "link" (func $e)))"""


def test_names_that_python_has_too_are_told_apart(executor):
    module = executor.load(NAMES)
    text = pf.stubs(module)
    compile(text, "names.pyi", "exec")
    assert "class Ok_(enum_.Flag):\n    READ = 1\n    RUN_IT = 2\n" in text and "class Enum(enum_.Enum):\n    NONE = 'none'\n    CLASS_ = 'class'\n" in text
    assert "def __call__(_self, self: Ok_ | Iterable_[str] | Future_[Ok_]) -> Ok_: ..." in text
    assert "class Module(Module_):\n    f: _f\n    lambda_: _lambda_\n" in text
    Enum = module.types.Enum
    assert module.lambda_(class_="none") is Enum.NONE and module["link"](Enum.CLASS_) is Enum.CLASS_
    assert module.f(module.types.Ok_.RUN_IT) == module.types.Ok_.RUN_IT


@pytest.mark.parametrize(
    "arguments, status, said",
    [
        ([], 2, "usage: python -m purefork stubs MODULE [-o FILE]"),
        (["nothing.wasm"], 2, "error: cannot read `nothing.wasm`"),
        (["{impure}"], 3, "error: the guest cannot be shown to be pure"),
        (["{guest}", "-o", "{nowhere}/x.pyi"], 2, "error: cannot write `"),
        (["{guest}", "-o", "{out}"], 0, ""),
    ],
)
def test_stubs_are_written_by_the_command_line(tmp_path, arguments, status, said):
    places = {name: tmp_path / name for name in ("impure", "guest", "nowhere", "out")}
    places["guest"].write_text(NAMES)
    places["impure"].write_text('(module (import "env" "now" (func $now (result i64))) (func (export "f") (result i64) (call $now)))')
    arguments = [argument.format(**places) for argument in arguments]
    done = subprocess.run([sys.executable, "-m", "purefork", "stubs", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == status and done.stderr.startswith(said) and "Traceback" not in done.stderr
    assert status or "class Module(Module_):" in places["out"].read_text()
