"""What a type checker makes of stubs that `python -m purefork stubs` wrote; read by it, beside them, not run."""

from typing import TYPE_CHECKING, assert_type, cast

import purefork as pf

if TYPE_CHECKING:
    import add
    import kinds

math = cast("add.Module", pf.load("examples/add.wat"))
assert_type(math.add(2, b=3), int)
assert_type(math.add.fork(2, 3), pf.Future[int])
math.add(math.add.fork(1, 2), 3)
math.add("x", 3)  # type: ignore[arg-type]
math.add(2, c=3)  # type: ignore[call-arg]
_ = math.ad  # its functions are found when it is loaded, too
pf.fork(math.add, 1, 2)
math.add.map([1], [2])

guest = cast("kinds.Module", pf.load("kinds.wasm"))
person = guest.echo_person({"name": "Ann", "home": {"x": 1, "y": 2}, "type": "red", "friends": []})
assert_type(person.home, "kinds.Point")
assert_type(person.age, "int | None")
guest.echo_person(person)
guest.echo_enum("red")
assert_type(guest.sum(range(3)), int)
match guest.echo_variant({"circle": 1.0}):
    case kinds.Shape.Circle(radius):
        assert_type(radius, float)
