"""The homework's API against torch.nn and autograd: all nine pairs of activations, both losses, wide saturated nets."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
import torch
from torch import Tensor, nn
from torch_bits import check_losses

import mlp
from mlp import MLP, bce_loss, mse_loss

NAMES = ("relu", "sigmoid", "identity")
MODULES = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity}
SMALL, WIDE = (3, 5, 2, 7), (784, 512, 10, 64)
CASES = [
    (f, g, loss)
    for f, g, loss in itertools.product(NAMES, NAMES, ("mse", "bce"))
    if loss == "mse" or g == "sigmoid"  # probabilities come from a sigmoid alone
]


def make(f: str, g: str, sizes: tuple[int, int, int, int] = SMALL, seed: int = 0) -> tuple[MLP, nn.Sequential, Tensor, Tensor]:
    """The homework's net, torch's over the same storage, an input and labels of 0 and 1."""
    n, hidden, k, batch = sizes
    torch.manual_seed(seed)
    net = MLP(n, hidden, f, hidden, k, g)
    oracle = nn.Sequential(nn.Linear(n, hidden), MODULES[f](), nn.Linear(hidden, k), MODULES[g]())
    share(net, oracle)
    return net, oracle, torch.randn(batch, n), torch.randint(0, 2, (batch, k)).float()


def share(net: MLP, oracle: nn.Sequential) -> None:
    for parameter, name in zip(oracle.parameters(), net.parameters):
        parameter.data = net.parameters[name]


def autograd(oracle: nn.Sequential, loss: str, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """y_hat, J, dJ/dy_hat and the gradients in the order W1, b1, W2, b2."""
    y_hat = oracle(x)
    y_hat.retain_grad()
    J = nn.MSELoss()(y_hat, y) if loss == "mse" else nn.BCELoss()(y_hat, y)
    oracle.zero_grad()
    J.backward()
    grads = [p.grad.clone() for p in oracle.parameters() if p.grad is not None]
    assert y_hat.grad is not None
    assert len(grads) == 4
    return y_hat.detach(), J.detach(), y_hat.grad, grads


def run(net: MLP, loss: str, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    y_hat = net.forward(x)
    J, dJdy_hat = (mse_loss if loss == "mse" else bce_loss)(y, y_hat)
    net.backward(dJdy_hat)
    return y_hat, J, dJdy_hat


def close(ours: Tensor, theirs: Tensor, *, rtol: float = 1e-5) -> bool:
    return bool((ours - theirs).norm() <= rtol * theirs.norm())


@pytest.mark.parametrize("sizes", [SMALL, WIDE, (1, 1, 1, 1), (4, 1, 3, 1)], ids=str)
@pytest.mark.parametrize(("f", "g", "loss"), CASES)
def test_equals_torch(f: str, g: str, loss: str, sizes: tuple[int, int, int, int]) -> None:
    net, oracle, x, y = make(f, g, sizes)
    y_hat, J, dJdy_hat = run(net, loss, x, y)
    expected_y_hat, expected_J, expected_dJdy_hat, expected = autograd(oracle, loss, x, y)
    assert torch.equal(y_hat, expected_y_hat)
    assert J.shape == ()
    assert close(J, expected_J)
    assert dJdy_hat.shape == y_hat.shape
    assert close(dJdy_hat, expected_dJdy_hat)
    for grad, theirs in zip(net.grads.values(), expected):
        assert grad.shape == theirs.shape
        assert close(grad, theirs)
        assert (grad - theirs).norm() < 1e-3


@pytest.mark.parametrize("g", NAMES)
@pytest.mark.parametrize("f", NAMES)
def test_bce_on_any_activation(f: str, g: str) -> None:
    """Where g leaves [0, 1] both torch and we refuse; where it happens not to, we agree."""
    net, oracle, x, y = make(f, g)
    net.parameters["W2"] *= 1e-2
    net.parameters["b2"].fill_(0.5)
    y_hat, J, _ = run(net, "bce", x, y)
    expected_y_hat, expected_J, _, expected = autograd(oracle, "bce", x, y)
    assert torch.equal(y_hat, expected_y_hat)
    assert close(J, expected_J)
    assert all(close(grad, theirs) for grad, theirs in zip(net.grads.values(), expected))
    with pytest.raises(ValueError, match="expected probabilities"):
        bce_loss(y, y + 2)


def test_the_losses_equal_torch_to_the_bit() -> None:
    """A script that checks dJ/dy_hat alone must not see a rounding that is 1e10 large where a sigmoid is saturated."""
    check_losses(mse_loss, bce_loss)


def test_the_wide_nets_are_saturated() -> None:
    net, _, x, y = make("relu", "sigmoid", WIDE)
    y_hat = net.forward(x)
    assert (y_hat == 1).any()
    assert (y_hat < 1e-12).any()
    J, dJdy_hat = bce_loss(y, y_hat)
    assert J.isfinite()
    assert dJdy_hat.isfinite().all()


@pytest.mark.parametrize("f", NAMES)
def test_backward_accumulates_until_cleared(f: str) -> None:
    net, oracle, x, y = make(f, "sigmoid")
    held = dict(net.grads)
    for times in (1, 2, 3):
        run(net, "mse", x, y)
        *_, expected = autograd(oracle, "mse", x, y)
        assert all(close(grad, times * theirs) for grad, theirs in zip(net.grads.values(), expected))
    cache = net.cache
    assert cache
    net.clear_grad_and_cache()
    assert net.cache == {}
    assert net.cache is not cache
    assert all(net.grads[name] is grad and not grad.any() for name, grad in held.items())
    with pytest.raises(RuntimeError, match="backward before forward"):
        net.backward(torch.ones_like(y))


def test_backward_twice_adds_twice() -> None:
    net, _, x, y = make("sigmoid", "sigmoid")
    _, _, dJdy_hat = run(net, "bce", x, y)
    once = {name: grad.clone() for name, grad in net.grads.items()}
    net.backward(dJdy_hat)
    assert all(torch.equal(grad, 2 * once[name]) for name, grad in net.grads.items())


def test_replaced_and_updated_parameters_are_seen_by_the_next_forward() -> None:
    net, oracle, x, y = make("relu", "sigmoid")
    for step in range(4):
        if step % 2:
            for name in net.parameters:
                net.parameters[name] = torch.randn_like(net.parameters[name])
            share(net, oracle)
        else:
            for name in net.parameters:
                net.parameters[name] -= 0.1 * net.grads[f"dJd{name}"]
        net.clear_grad_and_cache()
        y_hat, *_ = run(net, "bce", x, y)
        expected_y_hat, _, _, expected = autograd(oracle, "bce", x, y)
        assert torch.equal(y_hat, expected_y_hat)
        assert all(close(grad, theirs) for grad, theirs in zip(net.grads.values(), expected))


def test_parameters_of_a_module_may_be_put_in() -> None:
    net, oracle, x, y = make("sigmoid", "identity")
    torch.manual_seed(5)
    for name, parameter in zip(net.parameters, oracle.parameters()):
        nn.init.normal_(parameter)
        net.parameters[name] = parameter
    run(net, "mse", x, y)
    *_, expected = autograd(oracle, "mse", x, y)
    assert all(close(grad, theirs) for grad, theirs in zip(net.grads.values(), expected))


def test_start() -> None:
    torch.manual_seed(3)
    net = MLP(4, 6, "relu", 6, 2, "identity")
    torch.manual_seed(3)
    drawn = [torch.randn(6, 4), torch.randn(6), torch.randn(2, 6), torch.randn(2)]
    assert (net.f_function, net.g_function) == ("relu", "identity")
    assert list(net.parameters) == ["W1", "b1", "W2", "b2"]
    assert all(torch.equal(p, d) and not p.requires_grad for p, d in zip(net.parameters.values(), drawn))
    assert {name: g.shape for name, g in net.grads.items()} == {f"dJd{name}": p.shape for name, p in net.parameters.items()}
    assert not any(g.any() for g in net.grads.values())
    assert [type(d) for d in (net.parameters, net.grads, net.cache)] == [dict] * 3
    assert net.cache == {}


def test_nothing_given_is_changed() -> None:
    net, _, x, y = make("relu", "sigmoid")
    kept = [t.clone() for t in (x, y, *net.parameters.values())]
    _, _, dJdy_hat = run(net, "bce", x, y)
    cotangent = dJdy_hat.clone()
    net.backward(dJdy_hat)
    assert torch.equal(dJdy_hat, cotangent)
    assert all(torch.equal(a, b) for a, b in zip((x, y, *net.parameters.values()), kept))


def test_relu_slope_at_zero_is_zero() -> None:
    net, *_ = make("relu", "relu", (1, 1, 1, 1))
    for p in net.parameters.values():
        p.zero_()
    net.forward(torch.ones(1, 1))
    net.backward(torch.ones(1, 1))
    assert not any(g.any() for g in net.grads.values())


@pytest.mark.parametrize(("f", "g"), [("tanh", "relu"), ("relu", "ReLU"), ("", "identity")])
def test_unknown_activation_names_the_three(f: str, g: str) -> None:
    with pytest.raises(ValueError, match="relu, sigmoid, identity"):
        MLP(2, 3, f, 3, 1, g)


def test_wrong_shapes_name_the_layer() -> None:
    net, _, x, _ = make("relu", "identity")
    with pytest.raises(ValueError, match=r"Linear_1: input \(7, 4\) float32, weight \(5, 3\) float32"):
        net.forward(torch.ones(7, 4))
    with pytest.raises(ValueError, match=r"Linear_2: input \(7, 5\) float32, weight \(2, 6\) float32"):
        MLP(3, 5, "relu", 6, 2, "identity").forward(x)
    net.forward(x)
    with pytest.raises(ValueError, match=r"expected \(7, 2\)"):
        net.backward(torch.ones(7, 3))
    with pytest.raises(ValueError, match="expected the same"):
        mse_loss(torch.ones(7), torch.ones(7, 1))


def test_typed_without_any() -> None:
    hints = get_type_hints(MLP.forward) | get_type_hints(MLP.backward)
    assert hints == {"x": Tensor, "return": type(None), "dJdy_hat": Tensor}
    assert get_type_hints(mse_loss) == get_type_hints(bce_loss) == {"y": Tensor, "y_hat": Tensor, "return": tuple[Tensor, Tensor]}
    assert "Any" not in vars(mlp)


def test_runs_beside_a_script(tmp_path: Path) -> None:
    shutil.copy(mlp.__file__, tmp_path / "mlp.py")
    script = "from mlp import MLP, mse_loss, bce_loss\nimport mlp, pathlib, torch\n"
    script += "net = MLP(2, 10, 'relu', 10, 3, 'sigmoid')\n"
    script += "net.backward(bce_loss(torch.ones(5, 3), net.forward(torch.ones(5, 2)))[1])\n"
    script += "assert pathlib.Path(mlp.__file__).resolve().parent == pathlib.Path(__file__).resolve().parent\n"
    (tmp_path / "hidden_test.py").write_text(script)
    done = subprocess.run([sys.executable, "hidden_test.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
