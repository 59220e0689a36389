"""Where the marks of an axis are."""

from __future__ import annotations

from math import ceil, floor, log10

__all__ = ["linear_ticks", "log_ticks", "short"]


def linear_ticks(low: float, high: float, most: int = 5, whole: bool = False) -> list[float]:
    """At most `most + 1` multiples of 1, 2 or 5 times a power of ten, from low to high.

    Args:
        low: where the axis begins.
        high: where it ends, above low.
        most: how many steps there are at most.
        whole: whole numbers only.

    >>> linear_ticks(0.0, 30.0)
    [0.0, 10.0, 20.0, 30.0]
    >>> linear_ticks(0.0, 2.0, whole=True)
    [0.0, 1.0, 2.0]
    """
    power = 10.0 ** floor(log10((high - low) / most))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step * most >= (high - low) * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    return [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between low and high, at most 7 of them; where there are fewer than three, some of their multiples too.

    >>> log_ticks(0.01, 20.0)
    [0.01, 0.1, 1.0, 10.0]
    >>> log_ticks(0.3, 3.0)
    [0.5, 1.0, 2.0]
    """
    first, last = floor(log10(low)), ceil(log10(high))
    powers = [10.0**e for e in range(first, last + 1, ceil((last - first + 1) / 7))]
    inside = [tick for tick in powers if low <= tick <= high]
    if len(inside) >= 3:
        return inside
    factors = (1, 2, 5) if high >= 10 * low else (1, 2, 3, 5, 7)
    return [factor * power for power in powers for factor in factors if low <= factor * power <= high]


def short(number: float) -> str:
    """Four digits of it.

    >>> short(0.30000000000000004), short(123456.0), short(0.00001)
    ('0.3', '1.235e5', '1e-5')
    """
    return f"{number:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
