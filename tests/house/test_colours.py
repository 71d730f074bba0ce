"""Different things in charts have different colours, on light paper and on dark paper."""

from __future__ import annotations

from math import dist
from operator import mul

from loadtests.report.charts.drawing import DARK
from loadtests.report.charts.stages import ON
from loadtests.report.colours import COLOURS, OTHER, READABLE, STAGES, contrast, rgb

CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def test_stages_differ_from_models_and_have_legible_names() -> None:
    for stage, papers in STAGES.items():
        for paper, colour in enumerate(papers):
            assert min(distance(colour, other) for other in (*COLOURS.values(), OTHER)) > 0.1
            assert all(
                distance(colour, other[paper]) > 0.05
                for name, other in STAGES.items()
                if name != stage
            )
            light = ON[stage]
            text = (light, DARK.get(light, light))[paper]
            assert contrast(rgb(text), rgb(colour)) >= READABLE


def distance(colour: str, other: str) -> float:
    """Return the distance of two colours in Oklab: https://bottosson.github.io/posts/oklab."""
    return dist(oklab(colour), oklab(other))


def oklab(colour: str) -> list[float]:
    linear = [((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb(colour)]
    cones = [sum(map(mul, row, linear)) ** (1 / 3) for row in CONES]
    return [sum(map(mul, row, cones)) for row in LAB]
