"""Pages are drawn right: texts stay texts, lines go where the numbers are, pixels come back."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from itertools import pairwise
from math import inf, log10, nan

import pytest
import torch
from torch import Generator

from pure_mlp.report.chart import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, chart
from pure_mlp.report.colours import blended, signed
from pure_mlp.report.images import weight_images
from pure_mlp.report.markup import Markup, element, escaped
from pure_mlp.report.page import Section, figures, note, page
from pure_mlp.report.png import png
from pure_mlp.report.rows import confusion_table, facts, rows_table
from pure_mlp.report.surface import class_legend, plane_of, surface
from pure_mlp.report.ticks import linear_ticks, log_ticks, short

EVIL = "</style><script>alert(1)</script>\"'&\x1b[2J\u202e{{BODY}}\udc80"


class Reader(HTMLParser):
    """The elements and texts of a page; a wrong end raises."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def decoded(address: str) -> torch.Tensor:
    """The pixels of a PNG without filters, by its definition."""
    data = b64decode(address.removeprefix("data:image/png;base64,"))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, {}
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert int.from_bytes(data[place + 8 + size : place + 12 + size], "big") == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + size
    assert [*chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height = (int.from_bytes(chunks[b"IHDR"][i : i + 4], "big") for i in (0, 4))
    rows = torch.tensor(list(zlib.decompress(chunks[b"IDAT"]))).reshape(height, 1 + 4 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4)


def places(figure: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polyline points="([^"]+)"', figure)
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in found]  # type: ignore[misc]  # pairs


def test_whatever_a_text_holds_is_shown_as_it_is() -> None:
    parts = [
        rows_table([EVIL], [[EVIL]]),
        facts([(EVIL, EVIL)]),
        confusion_table([EVIL, "b"], [[1, 0], [0, 1]]),
        chart(EVIL, [Line(EVIL, [(1, 1.0)]), Line("b", [(1, 2.0)])], EVIL, EVIL),
        class_legend([EVIL]),
        surface(EVIL, plane_of(torch.eye(2), torch.eye(2), (EVIL, EVIL)), torch.ones(96 * 96, 2)),
        weight_images(EVIL, torch.eye(4), (2, 2)),
        note(EVIL),
    ]
    html = page(EVIL, [Section(EVIL, [figures(parts)])])
    read = Reader(html)
    html.encode()
    assert "script" not in read.names
    assert not set(html) & set("\x1b\u202e\udc80")
    assert html.count("{{BODY}}") == "".join(read.texts).count("{{BODY}}") > 10
    assert read.names.count("body") == read.names.count("h1") == 1


def test_an_element_escapes_texts_and_attributes_and_no_markup() -> None:
    assert element("a", "<", Markup("<"), class_='"', data_x=1) == '<a class="&quot;" data-x="1">&lt;<</a>'
    assert isinstance(element("a"), Markup)
    assert isinstance(escaped("a"), Markup)
    assert escaped("äß→😀") == "äß→😀"


@pytest.mark.parametrize("log", [False, True])
def test_a_line_goes_from_corner_to_corner_and_in_between(log: bool) -> None:
    values = [1.0, 10.0, 100.0]
    [line] = places(chart("t", [Line("a", [(i, v) for i, v in enumerate(values)])], "x", "y", log=log))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    assert [x for x, _ in line] == [LEFT, (LEFT + right) / 2, right]
    low, high = (1.0, 100.0) if log else (1 - 0.05 * 99, 100 + 0.05 * 99)
    scale = log10 if log else float
    wanted = [bottom + (TOP - bottom) * (scale(v) - scale(low)) / (scale(high) - scale(low)) for v in values]
    assert [y for _, y in line] == pytest.approx(wanted, abs=0.051)


@pytest.mark.parametrize("gap", [nan, inf, -inf])
def test_what_is_not_finite_is_a_gap(gap: float) -> None:
    figure = chart("t", [Line("a", [(0, 1.0), (1, 2.0), (2, gap), (3, 1.5)])], "x", "y")
    assert [len(line) for line in places(figure)] == [2]
    assert figure.count("<circle") == 1
    assert not re.search(r"\b(nan|inf)\b", figure)


@pytest.mark.parametrize(
    "points", [[], [(0, nan)], [(1, 0.0)], [(1, 5.0), (2, 5.0)], [(0, 0.0), (3, 1e-300)], [(1, -1.0), (2, 1e300)]]
)
def test_nothing_one_point_and_extremes_are_drawn(points: list[tuple[float, float]]) -> None:
    for log in (False, True):
        figure = chart("t", [Line("a", points)], "x", "y", log=log)
        Reader(figure)
        assert not re.search(r"\b(nan|inf)\b", figure)


def test_many_lines_are_told_apart() -> None:
    figure = chart("t", [Line(str(i), [(0, i), (1, i)]) for i in range(2 * COLOURS)], "x", "y")
    looks = re.findall(r'<polyline points="[^"]+" class="([^"]+)"', figure)
    assert len(set(looks)) == 2 * COLOURS
    assert [look in figure.partition('class="legend"')[2] for look in looks] == [True] * len(looks)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 7.0), (1.0, 30.0), (0.001, 0.0013), (0.0, 1e9), (5.0, 5.5)])
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    found = linear_ticks(low, high)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-9 * (high - low) <= tick <= high + 1e-9 * (high - low) for tick in found)
    steps = {f"{b - a:.6g}" for a, b in pairwise(found)}
    assert len(steps) == 1
    assert f"{float(steps.pop()):e}"[0] in "125"


@pytest.mark.parametrize(("low", "high"), [(1.0, 3.0), (0.9, 11.0), (1e-12, 1e12), (2.0, 7.0), (1e-300, 1e300)])
def test_log_ticks_are_inside(low: float, high: float) -> None:
    found = log_ticks(low, high)
    assert 2 <= len(found) <= 8
    assert all(low <= tick <= high for tick in found)
    assert found == sorted(found)


def test_numbers_are_short() -> None:
    assert [short(n) for n in (0.0, 100.0, -2.5, 1e-7, 1e10, 12345.6)] == ["0", "100", "-2.5", "1e-7", "1e10", "1.235e4"]


def test_pixels_come_back() -> None:
    pixels = torch.rand(3, 5, 4, generator=Generator().manual_seed(0))
    assert decoded(png(pixels)).equal((255 * pixels).round().long())
    assert decoded(png(torch.tensor([[[nan, 2.0, -1.0, 1.0]]]))).tolist() == [[[0, 255, 0, 255]]]


def test_the_sheet_of_weights_holds_each_unit_at_its_place() -> None:
    weight = torch.randn(10, 6, generator=Generator().manual_seed(0))
    weight[3] = 0
    figure = weight_images("t", weight, (2, 3))
    [address] = re.findall(r'href="([^"]+)"', figure)
    sheet = decoded(address)
    assert sheet.shape == (2 * 3, 8 * 4, 4)
    for unit, row in enumerate(weight):
        top, left = 3 * (unit // 8), 4 * (unit % 8)
        image = sheet[top : top + 2, left : left + 3]
        strength = row.abs() / row.abs().max() if row.any() else row
        assert image[..., 3].flatten().equal((255 * strength).round().long())
        assert not sheet[top + 2, left : left + 4, 3].any()
    assert not sheet[3:, 8:, 3].any()


def test_colours_say_signs_and_shares() -> None:
    blue, orange, none = signed(torch.tensor([2.0, -2.0, nan]))
    assert (blue[2] > blue[0], orange[0] > orange[2], blue[3].item(), orange[3].item()) == (True, True, 1.0, 1.0)
    assert none[3].isnan()  # which png leaves out
    pure, half = blended(torch.tensor([[1.0, 0.0], [3.0, 3.0]]))
    other = blended(torch.tensor([[-1.0, 2.0]]))[0]
    assert torch.allclose(half[:3], (pure + other)[:3] / 2)


def test_the_plane_is_drawn_from_its_top() -> None:
    plane = plane_of(torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.0, 2.0]]), torch.eye(3), ("a", "b"))
    points = plane.points()
    assert points[0].tolist() == pytest.approx([-0.1, 2.2])
    assert points[-1].tolist() == pytest.approx([1.1, -0.2])
    above = (points[:, 1:] > 1).float()
    figure = surface("t", plane, torch.cat((above, 1 - above), 1))
    picture = decoded(re.findall(r'href="([^"]+)"', figure)[0])
    ends = [blended(row, 0.6)[0] for row in (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))]
    assert [picture[i, 0].tolist() for i in (0, -1)] == [(255 * end).round().long().tolist() for end in ends]
    circles = re.findall(r'<circle cx="([^"]+)" cy="([^"]+)"', figure)
    assert float(circles[0][1]) > float(circles[1][1])  # below
    assert float(circles[0][0]) < float(circles[1][0])  # to the left


def test_a_plane_of_one_value_has_a_size() -> None:
    plane = plane_of(torch.tensor([[3.0, 3.0], [3.0, 4.0]]), torch.eye(2), ("a", "b"))
    assert bool((plane.high > plane.low).all())


def test_shares_of_a_confusion_are_of_its_rows() -> None:
    table = confusion_table(["a", "b", "c"], [[3, 1, 0], [0, 0, 0], [0, 0, 5]])
    assert re.findall(r'<td class="(\w+)" style="--share: (\d+)%">([^<]+)<', table) == [
        *[("right", "87", "3"), ("wrong", "50", "1"), ("wrong", "0", "·")],
        *[("wrong", "0", "·"), ("right", "0", "·"), ("wrong", "0", "·")],
        *[("wrong", "0", "·"), ("wrong", "0", "·"), ("right", "100", "5")],
    ]
