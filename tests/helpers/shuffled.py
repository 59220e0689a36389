"""`PYTHONPATH=tests/helpers pytest -p shuffled [--order SEED]`: the tests in an order drawn by the seed, which is printed."""

from __future__ import annotations

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--order", type=int, default=random.randrange(10**6), metavar="SEED", help="what the order is drawn from")


def pytest_report_header(config: pytest.Config) -> str:
    return f"order: --order {config.getoption('order')}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    random.Random(config.getoption("order")).shuffle(items)
