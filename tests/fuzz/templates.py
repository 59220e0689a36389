"""The lines that programs are drawn from.

Slots: a, b any tensor; f, g, h one of floating point; m, n, k one of these with two dimensions, v with one; i of whole numbers;
p of truth values; o one that the step has made itself; c a leaf of the carry; num a number, dim a dimension, size a length, gen a
generator. A line whose operands do not fit is drawn again.
"""

from __future__ import annotations

ELEMENTWISE = """
{f} + {g}|{f} - {g}|{f} * {g}|{f} / ({g}.abs() + 1)|{f} * {num}|{num} * {f}|{f} + {num}|{num} - {f}|{f} / {num}|-{f}|{f}.neg()
{f}.relu()|{f}.sigmoid()|{f}.tanh()|{f}.clamp(-2, 2).exp()|({f}.abs() + 0.1).log()|{f}.abs().sqrt()|{f}.square()|{f}.abs()
{f}.sign()|torch.addcmul({f}, {g}, {h}, value={num})|torch.addcdiv({f}, {g}, {h}.abs() + 1, value={num})
torch.lerp({f}, {g}, {num})|{f}.clamp(-1, 1)|{f}.clamp_min(0.1)|torch.maximum({f}, {g})|torch.minimum({f}, {g})
torch.where({f} > {g}, {f}, {g})|torch.where({p}, {f}, {num})|{f}.masked_fill({p}, {num})|{f} ** 2|{f}.abs() ** 0.5|{f}.pow(3)
torch.nn.functional.gelu({f})|torch.nn.functional.softplus({f})|torch.nn.functional.silu({f})
torch.nn.functional.leaky_relu({f}, 0.1)|{f}.erf()|{f}.expm1().clamp(max=9)|{f} > {g}|{f} <= {num}|{f} == {g}|{f} != 0
({f} > 0) & {p}|~{p}|torch.logical_or({p}, {f} < 0)|{f} * {p}|{p} * {num}|{f} + {i}|{i} * 2 + 1|{i} % 3|{i} // 2
{f}.to(torch.float32)|{f}.to(torch.float64)|{f}.half()|{f}.bfloat16()|{i}.double()|{p}.to({f}.dtype)|({f} * 3).to(torch.int64)
{f} - {f}.detach()|{f} * 0|{f} * 1|{f} + 0|{f} * torch.inf|{f} * torch.nan|{f}.reciprocal()|{f}.floor()|{f}.round()
torch.hypot({f}, {g})|torch._foreach_add([{f}, {g}], {num})[0]|torch._foreach_mul([{f}, {g}], {num})[1]
torch.sub({f}, {g}, alpha={num})|{f}.log1p().nan_to_num()
"""
REDUCTIONS = """
{f}.sum()|{f}.mean()|{f}.sum({dim})|{f}.mean({dim})|{f}.sum({dim}, keepdim=True)|{f}.amax({dim})|{f}.max()
{f}.min({dim}).values|{f}.square().sum()|{f}.abs().mean()|{f}.softmax({dim})|{f}.log_softmax({dim})|{f}.logsumexp({dim})
{f}.norm()|{f}.var({dim}, correction=0)|{p}.sum()|{p}.any()|{i}.sum()|{f}.argmax({dim})|{f}.cumsum({dim})|{f}.prod({dim})
({f} > 0).sum({dim})|{f}.sum(dtype=torch.float64)|torch.stack([{f}.sum(), {g}.sum()]).sum().sqrt()|{f}.max({dim}).indices
{f}.sort({dim}).values|{f}.argsort({dim})|{f}.all()
"""
PRODUCTS = """
{m} @ {n}|{m}.t() @ {n}|{m} @ {n}.t()|torch.mm({m}.t(), {n}.t())|torch.addmm({k}, {m}, {n})
torch.addmm({k}, {m}.t(), {n}, beta={num}, alpha={num})|{m} @ {v}|{v} @ {m}|{m}.t() @ {v}|torch.outer({v}, {v})
torch.dot({v}, {v})|torch.nn.functional.linear({m}, {n})|torch.nn.functional.linear({m}, {n}, {v})
torch.bmm({m}[None], {n}[None])[0]|{num} * ({m}.t() @ {n})|({num} * {m}) @ {n}|{m} @ ({num} * {n})
torch.addmv({v}, {m}, {v}, beta={num}, alpha={num})|torch.baddbmm({k}[None], {m}[None], {n}[None], beta={num})[0]
{k} - {num} * ({m}.t() @ {n})|torch.einsum('ij,kj->ik', {m}, {n})|torch.ones(1, len({m}), dtype={m}.dtype) @ {m}
{k} + {m} @ {n}|({m} @ {n}).t()|{m} @ {m}.t()|{m}.t() @ {m}
"""
SHAPES = """
{a}.t()|{a}.transpose(0, 1)|{a}.unsqueeze({dim})|{a}.squeeze()|{a}.flatten()|{a}.reshape(-1)|{a}.view(-1)|{a}.contiguous()
{a}.clone()|{a}[0]|{a}[1:]|{a}[:, 0]|{a}[:, 1:]|{a}[::2]|{a}[..., None]|{a}[None]|{a}.expand(3, *{a}.shape)|{a}.expand_as({b})
{a}.detach()|{a}[:-1]|torch.cat([{f}, {g}])|torch.cat([{f}, {g}], 1)|torch.stack([{f}, {g}])|torch.stack([{f}, {g}], -1)
{a}.flip(0)|{a}.roll(1, 0)|{a}.mT|{a}.narrow(0, 0, 1)|{a}.diagonal()|{a}.tril()|{a}.repeat(2, 1)|{a}.permute(1, 0)
{a}.chunk(2)[0]|{a}.unbind(0)[-1]|{a}.split(1)[0]|torch.zeros_like({f})|torch.ones_like({f})|{f}.new_full(({size},), {num})
torch.full_like({f}, {num})|torch.arange({size})|torch.eye({size})|{f}.new_zeros(3, {size})|{a}.view_as({b})
{a}.reshape({b}.shape)|{a}.data|{a}.movedim(0, 1)|{a}.T|torch.broadcast_to({a}, {b}.shape)|{f}[{i}]|{f}.index_select(0, {i})
{f}.gather({dim}, {i})|{f}[torch.tensor([0, -1])]|{f}.index_add(0, {i}, {g})|{f}.index_fill(0, {i}, {num})
{f}.scatter({dim}, {i}, {num})|{f}.take({i})|torch.nn.functional.one_hot({i}, 5)|torch.nn.functional.pad({f}, (1, 0))
{f}.select({dim}, 0)|{f}.masked_select({p})|{f}[{p}]|{f}.unfold(0, 2, 1)|{f}.as_strided((2,), (1,))|{f}.unflatten(0, (1, -1))
"""
IN_PLACE = """
{o}.add_({g})|{o}.add_({g}, alpha={num})|{o}.mul_({g})|{o}.mul_({num})|{o}.sub_({num})|{o}.div_({num})|{o}.relu_()|{o}.neg_()
{o}.zero_()|{o}.fill_({num})|{o}.copy_({g})|{o}.clamp_(-1, 1)|{o}.sigmoid_()|{o}.tanh_()|{o}.addcmul_({g}, {h}, value={num})
{o}.lerp_({g}, {num})|{o}[0].add_({num})|{o}[0] = {num}|{o}[:, 0] = {num}|{o}[1:] += {num}|{o}.t().mul_({num})
{o}.view(-1)[0] = {num}|{o}.addmm_({m}, {n})|{o}.masked_fill_({p}, {num})|{o}.index_fill_(0, {i}, {num})|{o}.square_()
{o}.abs_()|{o}.addcdiv_({g}, {h}.abs() + 1)|{o}.data.add_({num})|torch._foreach_add_([{o}], {num})
torch._foreach_mul_([{o}], [{g}])|{o}.detach().add_({num})|torch.add({f}, {g}, out={o})|{o} += {f}|{o} *= {num}
"""
EDGES = """
{f}.clamp({num}, {num})|torch.clamp({f}, {g}, {h})|torch.fmax({f}, {g}.log())|torch.maximum({f}, {g}.log())|{f} ** {g}
{num} ** {f}|{f} ** -1|{f} ** 0|torch.copysign({f}, {g})|1 / (0 * {f})|{f} // 0.3|{f} % -0.3|torch.fmod({f}, {g})
torch.where({f} > 0, {f}.log(), {g})|torch.where({f} > {num}, torch.inf, {f})|torch.where({p}, {i}, {f})|{f}.trunc()
{f}.masked_fill({f} > {num}, -torch.inf).softmax(-1)|{f} * 1e-20 * 1e-20|{f} * 1e39|{f} + 2**53|{f}.half() * 70000.0
{f} * torch.tensor(2.5, dtype=torch.float64)|{f} * True|torch.heaviside({f}, {g})|{i}.int() + torch.tensor(2.5)|{i} == {f}
{i} // -2|{i} % -3|{i} / 2|{i} >> 1|{i} * {i}|{i} - {p}|-{i}|{i} ** 2|{i} + {num}|{i} > {num}|{i}.to(torch.uint8) - 3
{i}.to(torch.int8) * 100|{i}.int() * 3000000|{p} ^ {p}|{p} & True|{p}.long() - 1|{i}.sum({dim})|{i}.cumsum({dim})|{i}.max()
{f}.round().max({dim}).values|{f}.round().sort({dim}, stable=True).indices|{f}.topk(1, {dim}).values|{f}.cumprod({dim})
{f}.cummax({dim}).values|{p}.sum({dim})|{p}.all({dim})|{p}.double().mean()|{f}.std()|{f}.median()|{f}.nansum()
{f}.sum((0, 1))|{f}.mean((-1, 0))|{f}.aminmax().max|{a}[:0]|{a}[-1:]|{a}[..., -1]|{f}[[0, -1]]|{f}.flip(0)[0]
{f}.expand(2, *{f}.shape).sum(0)|{f}.new_zeros(0, {size}).sum(0)|{f}.scatter_add({dim}, {i}, {g})
{f}.scatter_reduce({dim}, {i}, {g}, 'amax')|{f}.take_along_dim({i}, {dim})|torch.bincount({i}.flatten(), minlength=5)
torch.zeros(5, dtype={f}.dtype).index_add(0, {i}.flatten(), {i}.flatten().to({f}.dtype))|{f}.argmax({dim}, keepdim=True)
{f}.double().sum().to({f}.dtype)
"""
RANDOM = """
torch.rand({f}.shape, generator={gen}, dtype={f}.dtype)|torch.randn({size}, generator={gen})
torch.randn({f}.shape, generator={gen}).to({f}.dtype)|{f} * (torch.rand({f}.shape, generator={gen}) < 0.5)
torch.empty_like({f}).normal_(generator={gen})|torch.randint(0, 3, ({size},), generator={gen})
torch.randperm(len({f}), generator={gen})|torch.bernoulli({f}.sigmoid(), generator={gen})
torch.empty_like({f}).uniform_(-1, 1, generator={gen})
"""
LEAVES = """
{c} - {num} * {g}|{c} * {num}|{c} + {g}|torch.lerp({c}, {g}, 0.1)|{c} - 0.01 * ({c} * 0.1 + {g})|{g}|{c} * 0.9 + 0.1 * {g}|{c}
{c} + 1|{c} - 0.5 * {g}.sum(0)|{c} - 1e-3 * {g}.mean()|torch.addcdiv({c}, {g}, {g}.square().sqrt() + 1e-3, value=-0.01)
{c} - {num} * ({m}.t() @ {n})|torch.addmm({c}, {m}.t(), {n}, alpha=-0.01)|{c} * (1 - 1e-2) - 1e-2 * {g}|{c} * {g}
{c} - {g} * 0.5 * 0.1|{g}.clone()|{g}.t()|{g} * 1.0
"""


def lines(table: str) -> list[str]:
    """The entries of a table."""
    return [entry for line in table.strip().splitlines() for entry in line.split("|")]
