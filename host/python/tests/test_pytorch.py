"""Both examples of PyTorch's documentation of `torch.jit.fork`; where PyTorch is installed, it gives the same."""

import pytest

import purefork as pf

FOO = '(module (func (export "foo") (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b))))'

# A module with an attribute: what `load` leaves is frozen by `preinit`.
ADD_MODULE = """(module
    (global $weight (mut i32) (i32.const 0))
    (func (export "load") (param $weight i32) (global.set $weight (local.get $weight)))
    (func (export "forward") (param $a i32) (param $b i32) (result i32)
        (i32.add (global.get $weight) (i32.add (local.get $a) (local.get $b)))))"""


def test_a_free_function_is_forked(executor):
    foo = executor.load(FOO).foo

    def bar(a):
        fut: pf.Future[int] = pf.fork(foo, a, b=2)
        return pf.wait(fut)

    assert bar(3) == 5


def test_a_method_of_a_module_is_forked(executor):
    module = executor.load(ADD_MODULE).preinit("load", 10)

    class Mod:
        def __init__(self):
            self.mod = module

        def forward(self, input):
            fut = pf.fork(self.mod, a=input, b=2)
            return pf.wait(fut)

    assert Mod().forward(3) == 15


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_pytorch_gives_the_same():
    torch = pytest.importorskip("torch")

    def foo(a: int, b: int) -> int:
        return a + b

    def bar(a: int) -> int:
        fut: torch.jit.Future[int] = torch.jit.fork(foo, a, b=2)
        return torch.jit.wait(fut)

    assert bar(3) == 5
    math = pf.load(FOO)
    assert torch.jit.wait(torch.jit.fork(foo, 3, 2)) == pf.wait(pf.fork(math.foo, 3, 2))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("scripted", [False, True], ids=["eager", "TorchScript"])
def test_pytorch_forks_a_method_of_a_module_with_attributes_the_same(scripted):
    torch = pytest.importorskip("torch")

    class AddMod(torch.nn.Module):
        def __init__(self, weight: int):
            super().__init__()
            self.weight = weight

        def forward(self, a: int, b: int) -> int:
            return self.weight + a + b

    class Mod(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mod = AddMod(10)

        def forward(self, input: int) -> int:
            fut = torch.jit.fork(self.mod, a=input, b=2)
            return torch.jit.wait(fut)

    mod = torch.jit.script(Mod()) if scripted else Mod()
    ours = pf.load(ADD_MODULE).preinit("load", 10)
    for n in range(-3, 3):
        assert mod(n) == pf.wait(pf.fork(ours, a=n, b=2)) == n + 12
    if scripted:
        # What runs is a graph in which a fork and a wait stand, in both.
        assert "prim::fork" in str(mod.inlined_graph) and "aten::wait" in str(mod.inlined_graph)
        assert "forward(%a: i32 = 1, %b: i32 = 2)" in str(pf.trace(ours, a=1, b=2))


def test_a_tensor_of_pytorch_is_an_array(kinds):
    torch = pytest.importorskip("torch")
    assert kinds.sum(torch.arange(4)) == 6
    assert tuple(kinds.echo_tensor(torch.ones(2, 3)).shape) == (2, 3)
