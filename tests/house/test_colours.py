"""What differs in charts differs in its colour, on light paper and on dark paper."""

from __future__ import annotations

from math import dist
from operator import mul

from loadtests.report.charts.drawing import DARK
from loadtests.report.charts.stages import PARTS
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


def test_stages_look_like_no_model_and_their_names_can_be_read() -> None:
    for stage, papers in STAGES.items():
        for paper, colour in enumerate(papers):
            assert min(unlike(colour, other) for other in (*COLOURS.values(), OTHER)) > 0.1
            assert all(
                unlike(colour, other[paper]) > 0.05
                for name, other in STAGES.items()
                if name != stage
            )
            name = PARTS[stage][1]
            written = (name, DARK.get(name, name))[paper]
            assert contrast(rgb(written), rgb(colour)) >= READABLE


def unlike(one: str, other: str) -> float:
    """Return how far two colours are apart in Oklab: https://bottosson.github.io/posts/oklab."""
    return dist(*map(oklab, (one, other)))


def oklab(colour: str) -> list[float]:
    linear = [((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb(colour)]
    cones = [sum(map(mul, row, linear)) ** (1 / 3) for row in CONES]
    return [sum(map(mul, row, cones)) for row in LAB]
