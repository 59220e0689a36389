"""How much privacy a private training spends, by Google's accountant."""

from __future__ import annotations

from importlib import import_module
from math import inf
from typing import Any

from pure_mlp.installed import has

__all__ = ["epsilon_spent"]


def epsilon_spent(noise: float, sampling: float, steps: int, delta: float) -> float:
    """The epsilon with which so many steps of `private_grads` are (epsilon, delta)-differentially private.

    With one example more or less, no set of outcomes becomes likelier than e^epsilon times what it was, plus delta (Dwork and
    Roth, 2014). The value is an upper bound on the least such epsilon, and near it: the privacy loss distribution of one step is
    convolved with itself (Koskela et al., arXiv:1906.03049; Doroshenko et al., arXiv:2207.04380; the library `dp-accounting`). It
    holds for whoever sees all the params of all the steps, for batches from `poisson_batches` with this probability, and for noise
    of real numbers; that of floating-point numbers is near it, and the generator is not one for cryptography.

    Args:
        noise: the noise multiplier of `private_grads`, at least 0; with 0 epsilon is inf.
        sampling: the probability with which each example is in a batch, from 0 to 1.
        steps: how many steps are taken, at least 0.
        delta: from 0 to 1, far below one over the number of examples; with 0 epsilon is inf.

    Returns:
        epsilon, at least 0.

    Raises:
        ImportError: the extra `privacy` is missing.
        ValueError: an argument is out of range.

    >>> epsilon_spent(noise=1.1, sampling=2.0, steps=100, delta=1e-5)
    Traceback (most recent call last):
    ValueError: epsilon_spent: sampling 2.0, expected a probability, 0 to 1
    """
    for name, probability in (("sampling", sampling), ("delta", delta)):
        if not 0 <= probability <= 1:
            raise ValueError(f"epsilon_spent: {name} {probability}, expected a probability, 0 to 1")
    if not (noise >= 0 and steps >= 0):
        raise ValueError(f"epsilon_spent: noise {noise}, steps {steps}; expected at least 0 of each")
    if not has("dp_accounting"):
        raise ImportError("epsilon_spent needs dp-accounting: pip install 'pure-mlp[privacy]'")
    if not steps or not sampling:
        return 0.0
    if not noise:
        return inf
    dp: Any = import_module("dp_accounting")  # Any: what it is made of has no types
    step = dp.PoissonSampledDpEvent(sampling, dp.GaussianDpEvent(noise))
    spent: float = dp.pld.PLDAccountant().compose(step, steps).get_epsilon(delta)
    return spent
