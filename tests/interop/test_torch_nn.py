"""Nets and `nn.Sequential` compute the same bits, and go there and back."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

from pure_mlp import (
    Layer,
    LayerNorm,
    Linear,
    RMSNorm,
    attention,
    elu,
    from_torch,
    gelu,
    glu,
    identity,
    layer_norm,
    linear,
    linear_bottom,
    linear_init,
    mlp,
    mse,
    outline,
    relu,
    residual,
    rms_norm,
    serial,
    sigmoid,
    silu,
    softplus,
    tanh,
    to_torch,
    tree_items,
    tree_leaves,
    value_and_grad,
)
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.registry.layers import LAYER_ROWS

EXACT = [sample.layer for row in LAYER_ROWS.values() if row.word and row.to_the_bit for sample in row.samples()]
DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def sample(n: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    x = 3 * torch.randn(n, 5, generator=Generator().manual_seed(seed), dtype=torch.float64)
    return x.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("f", EXACT, ids=str)
@pytest.mark.parametrize("n", [0, 1, 7])
def test_the_outputs_are_equal_to_the_bit_and_so_is_what_comes_back(
    f: Layer[tuple[()], torch.Tensor], dtype: torch.dtype, n: int
) -> None:
    g = Generator().manual_seed(0)
    net = serial(linear, f, serial(linear, f), linear)
    first, second, third = (linear_init(a, b, g, dtype) for a, b in ((5, 4), (4, 6), (6, 2)))
    params, x = (first, (), (second, ()), third), sample(n, dtype)
    module = to_torch(net, params)
    y = net.fwd(params, x)[0]
    assert module(x).detach().equal(y)
    assert {name: (t.dtype, t.tolist()) for name, t in module.state_dict().items()} == {
        name: (t.dtype, t.tolist()) for name, t in tree_items(params)
    }
    again, p = from_torch(module)
    assert outline(again, p) == outline(net, params)
    assert again.fwd(p, x)[0].equal(y)
    assert str(to_torch(again, p)) == str(module)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_elu_goes_there_and_back(alpha: float) -> None:
    x = torch.linspace(-50, 50, 1001, dtype=torch.float64)
    ours, theirs = elu(alpha).fwd((), x)[0], to_torch(elu(alpha), ())(x)
    torch.testing.assert_close(ours, theirs, atol=0, rtol=1e-15)
    assert from_torch(nn.ELU(alpha))[0].fwd((), x)[0].equal(ours)


def test_norms_go_there_and_back() -> None:
    g = Generator().manual_seed(0)
    affine, weight, bias = linear_init(5, 5, g, torch.float64), *torch.rand(2, 5, generator=g, dtype=torch.float64)
    net = serial(linear, layer_norm(1e-3), rms_norm(0.5))
    params, x = (affine, LayerNorm(weight, bias), RMSNorm(bias)), sample(7, torch.float64)
    module = to_torch(net, params)
    torch.testing.assert_close(module(x).detach(), net.fwd(params, x)[0], atol=1e-13, rtol=1e-13)
    assert {name: t.tolist() for name, t in module.state_dict().items()} == {name: t.tolist() for name, t in tree_items(params)}
    again, p = from_torch(module)
    assert again.fwd(p, x)[0].equal(net.fwd(params, x)[0])
    assert str(to_torch(again, p)) == str(module)
    torch.testing.assert_close(from_torch(nn.RMSNorm(5))[0].fwd(RMSNorm(torch.ones(5)), x.float())[0], nn.RMSNorm(5)(x.float()))


def test_glu_goes_there_and_back_with_the_gate_that_torch_has() -> None:
    x = sample(7, torch.float64)[:, :4]
    torch.testing.assert_close(to_torch(glu(), ())(x), glu().fwd((), x)[0], atol=1e-15, rtol=1e-15)
    assert from_torch(nn.GLU())[0].fwd((), x)[0].equal(glu().fwd((), x)[0])
    with pytest.raises(ValueError, match=r"to_torch: 0 is glu, which torch\.nn has no module for"):
        to_torch(serial(glu(silu)), ((),))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_goes_there_and_back(causal: bool) -> None:
    g = Generator().manual_seed(0)
    net = serial(linear, attention(2, causal), linear)
    params = linear_init(5, 12, g, torch.float64), (), linear_init(4, 5, g, torch.float64)
    module = to_torch(net, params)
    again, p = from_torch(module)
    assert str(to_torch(again, p)) == str(module)
    assert f"(1): SelfAttention(2, causal={causal})" in str(module)
    for lead in ((7,), (3, 7), (2, 3, 7), (0, 7), (3, 1), (3, 0)):
        x = torch.randn(*lead, 5, generator=g, dtype=torch.float64)
        torch.testing.assert_close(module(x).detach(), net.fwd(params, x)[0], atol=1e-14, rtol=1e-13)
        assert again.fwd(p, x)[0].equal(net.fwd(params, x)[0])


def test_multi_head_attention_is_taken_as_that_of_x_with_itself() -> None:
    module = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True, dtype=torch.float64)
    x = torch.randn(3, 5, 8, generator=Generator().manual_seed(0), dtype=torch.float64)
    with pytest.raises(ValueError, match=r"from_torch: the module is MultiheadAttention\(.*, which has no layer here"):
        from_torch(module)
    net, params = from_torch(module.eval())
    torch.testing.assert_close(net.fwd(params, x)[0], module(x, x, x)[0].detach(), atol=1e-14, rtol=1e-12)
    assert outline(net) == outline(serial(linear, attention(2), linear))


def test_dropout_goes_there_and_back_and_drops_nothing_in_evaluation() -> None:
    module = nn.Sequential(nn.Dropout(0.3), nn.Tanh())
    assert str(to_torch(*from_torch(module))) == str(module)
    assert outline(from_torch(module.eval())[0]) == outline(serial(identity, tanh))


@pytest.mark.parametrize("beta", [1.0, 0.5, 3.0])
def test_softplus_is_that_of_torch_but_for_its_threshold(beta: float) -> None:
    x = torch.linspace(-50, 50, 1001, dtype=torch.float64)
    ours, theirs = softplus(beta).fwd((), x)[0], to_torch(softplus(beta), ())(x)
    assert (ours - theirs).abs().max() <= 2.1e-9 / beta
    assert from_torch(nn.Softplus(beta))[0].fwd((), x)[0].equal(ours)


def test_every_activation_has_a_module() -> None:
    for f in ACTIVATIONS.values():
        assert outline(from_torch(to_torch(serial(f), ((),)))[0]) == outline(serial(f))


@pytest.mark.parametrize("f", [relu, tanh, gelu])
def test_gradients_are_those_of_autograd(f: Layer[tuple[()], torch.Tensor]) -> None:
    net, params = mlp((5, 4, 3), Generator().manual_seed(0), f, dtype=torch.float64)
    module, x, y = to_torch(net, params), sample(7, torch.float64), sample(7, torch.float64, 1)[:, :3]
    nn.functional.mse_loss(module(x), y).backward()
    mine = tree_leaves(value_and_grad(net, mse)(params, x, y)[1])
    ours, p = from_torch(module)
    for a, b, c in zip(mine, module.parameters(), tree_leaves(value_and_grad(ours, mse)(p, x, y)[1]), strict=True):
        assert b.grad is not None
        torch.testing.assert_close(a, b.grad, atol=1e-12, rtol=0)
        torch.testing.assert_close(c, b.grad, atol=1e-12, rtol=0)


def test_a_perceptron_is_written_as_people_write_it() -> None:
    net, params = mlp((5, 4, 3), Generator().manual_seed(0), tanh, sigmoid)
    module = to_torch(net, params)
    assert [type(part) for part in module] == [nn.Linear, nn.Tanh, nn.Linear, nn.Sigmoid]
    assert [*module.state_dict()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    x = sample(7, torch.float32)
    assert module(x).detach().equal(net.fwd(params, x)[0])
    assert str(to_torch(linear_bottom, params[0])) == str(nn.Sequential(nn.Linear(5, 4)))


def test_nothing_is_shared_drawn_or_changed() -> None:
    params, before = (linear_init(5, 4, Generator().manual_seed(0)),), torch.get_rng_state()
    module = to_torch(serial(linear), params)
    assert torch.get_rng_state().equal(before)
    _, back = from_torch(module)
    with torch.no_grad():
        for p in module.parameters():
            assert p.requires_grad
            p.zero_()
    assert params[0].weight.abs().sum() > 0
    assert back[0].weight.equal(params[0].weight)
    assert not any(t.requires_grad for t in tree_leaves(back))


def test_training_or_not_and_named_parts_are_the_same() -> None:
    class Mine(nn.Sequential):
        """Somebody's name for it."""

    module = Mine()
    module.add_module("first", nn.Linear(5, 4))
    module.add_module("bend", nn.ReLU(inplace=True))
    net, params = from_torch(module.eval())
    x = sample(3, torch.float32)
    y = module(x).detach()
    assert net.fwd(params, x)[0].equal(y)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.AlphaDropout(), "from_torch: the module is AlphaDropout(p=0.5, inplace=False), which has no layer here"),
        (nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv1d(1, 1, 1))), "from_torch: 1.0 is Conv1d(1, 1, kernel_size=(1,), "),
        (nn.Linear(3, 2, bias=False), "the module is Linear(in_features=3, out_features=2, bias=False), which"),
        (nn.Sequential(nn.Softmax(dim=0)), "0 is Softmax(dim=0), which"),
        (nn.Softplus(1.0, 5.0), "is Softplus(beta=1.0, threshold=5.0), which"),
        (nn.LayerNorm(3, bias=False), "is LayerNorm((3,), eps=1e-05, elementwise_affine=True"),
        (nn.BatchNorm1d(3, affine=False), "is BatchNorm1d(3, eps=1e-05"),
        (nn.LayerNorm((2, 3)), "is LayerNorm((2, 3), eps=1e-05"),
        (nn.RMSNorm(3, elementwise_affine=False), "is RMSNorm((3,), eps=None"),
        (nn.MultiheadAttention(4, 2, bias=False, batch_first=True), "is MultiheadAttention("),
        (nn.MultiheadAttention(4, 2), "is MultiheadAttention("),
        (nn.MultiheadAttention(4, 2, kdim=3, batch_first=True), "is MultiheadAttention("),
        (nn.MultiheadAttention(4, 2, add_bias_kv=True, batch_first=True), "is MultiheadAttention("),
        (nn.LeakyReLU(-0.1), "is LeakyReLU(negative_slope=-0.1), which"),
        (nn.Linear(3, 2).to(torch.float32).requires_grad_(False), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_has_no_layer_is_refused_by_name(module: nn.Module, said: str) -> None:
    if not said:
        assert isinstance(from_torch(module)[1], Linear)
        return
    with pytest.raises(ValueError, match="which has no layer here") as caught:
        from_torch(module)
    assert said in str(caught.value)


def test_what_has_no_module_is_refused_by_name() -> None:
    net, params = serial(linear, residual(linear)), (linear_init(5, 5, Generator()), linear_init(5, 5, Generator()))
    with pytest.raises(ValueError, match=r"to_torch: 1 is residual, which torch\.nn has no module for"):
        to_torch(net, params)
    with pytest.raises(ValueError, match=r"to_torch: the net: 1 layers, 2 params"):
        to_torch(serial(linear), params)
