"""Curves on logarithmic axes, as an SVG that reads well on light and dark pages."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 760
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 170, 44, 46
_COLOURS: Final = (
    "#4e79a7",
    "#f28e2b",
    "#e15759",
    "#76b7b2",
    "#59a14f",
    "#b6992d",
    "#b07aa1",
    "#d37295",
    "#9c755f",
    "#222255",
    "#999933",
    "#00796b",
)
_STYLE: Final = """
  text { font: 12px system-ui, sans-serif; fill: #555 }
  .title { font-weight: 600; fill: #222 }
  .grid { stroke: #888; stroke-opacity: .25 }
  .guide { stroke: #888; stroke-dasharray: 4 4 }
  .curve { fill: none; stroke-width: 1.8 }
  @media (prefers-color-scheme: dark) { text { fill: #bbb } .title { fill: #eee } }
"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One curve.

    Attributes:
        panel: The panel that it is drawn in.
        points: Its points, both coordinates above zero.
    """

    name: str
    panel: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axes:
    """The decades that a panel shows, and where it stands."""

    x: tuple[int, int]
    y: tuple[int, int]
    top: int

    def at(self, point: Point) -> Point:
        """Where a point is drawn."""
        across = _WIDTH - _LEFT - _RIGHT
        down = _HEIGHT - _TOP - _BOTTOM
        x = (math.log10(point[0]) - self.x[0]) / (self.x[1] - self.x[0])
        y = (math.log10(point[1]) - self.y[0]) / (self.y[1] - self.y[0])
        return (_LEFT + x * across, self.top + _TOP + (1 - y) * down)


def plot(curves: Sequence[Curve], titles: Mapping[str, str], *, x: str, y: str) -> str:
    """An SVG with a panel for each title, one below the other.

    Args:
        curves: What to draw.
        titles: What stands above each panel, by the panel's name.
        x: What the horizontal axis measures.
        y: What the vertical axis measures.
    """
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(dict.fromkeys(c.name for c in curves))}
    across = _decades([point[0] for curve in curves for point in curve.points])
    down = _decades([point[1] for curve in curves for point in curve.points])
    parts: list[str] = []
    for number, (panel, title) in enumerate(titles.items()):
        axes = _Axes(x=across, y=down, top=number * _HEIGHT)
        shown = [curve for curve in curves if curve.panel == panel]
        parts += [*_frame(axes, title, x, y), *_guide(axes), *_drawn(axes, shown, colours)]
    height = _HEIGHT * len(titles)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return (low, max(high, low + 1))


def _frame(axes: _Axes, title: str, x: str, y: str) -> Iterator[str]:
    yield _text(_LEFT, axes.top + 20, title, css="title")
    for decade in range(axes.x[0], axes.x[1] + 1):
        foot, head = axes.at((10**decade, 10 ** axes.y[0])), axes.at((10**decade, 10 ** axes.y[1]))
        yield _line(foot, head, css="grid")
        yield _text(foot[0], foot[1] + 16, f"{10**decade:,}", anchor="middle")
    for decade in range(axes.y[0], axes.y[1] + 1):
        left, right = axes.at((10 ** axes.x[0], 10**decade)), axes.at((10 ** axes.x[1], 10**decade))
        yield _line(left, right, css="grid")
        yield _text(left[0] - 6, left[1] + 4, f"{10.0**decade:g}", anchor="end")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, axes.top + _HEIGHT - 10, x, anchor="middle")
    yield _text(_LEFT, axes.top + _TOP - 8, y)


def _guide(axes: _Axes) -> Iterator[str]:
    """The line of one millisecond for each unit of the horizontal axis: what is below it costs less."""
    low = max(axes.x[0], axes.y[0] + 3)
    high = min(axes.x[1], axes.y[1] + 3)
    if low < high:
        end = axes.at((10**high, 10.0 ** (high - 3)))
        yield _line(axes.at((10**low, 10.0 ** (low - 3))), end, css="guide")
        yield _text(end[0] - 8, end[1] - 4, "1 ms each", anchor="end")


def _drawn(axes: _Axes, curves: Sequence[Curve], colours: Mapping[str, str]) -> Iterator[str]:
    for number, curve in enumerate(curves):
        colour = colours[curve.name]
        places = [axes.at(point) for point in curve.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline class="curve" stroke="{colour}" points="{path}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places)
        at = axes.top + _TOP + 24 + 17 * number
        yield f'<rect x="{_WIDTH - _RIGHT + 24}" y="{at - 9}" width="12" height="4" fill="{colour}"/>'
        yield _text(_WIDTH - _RIGHT + 42, at - 3, curve.name)


def _line(begin: Point, end: Point, *, css: str) -> str:
    return f'<line class="{css}" x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'


def _text(x: float, y: float, text: str, *, css: str = "", anchor: str = "start") -> str:
    css = f' class="{css}"' if css else ""
    return f'<text{css} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
