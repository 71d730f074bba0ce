"""One colour for each model, the same everywhere; names always stand beside it.

After Okabe and Ito, "Color Universal Design": told apart with every kind of colour vision. Their
darkest and brightest tones are moved towards the middle, to be read on black and on white.
"""

from __future__ import annotations

COLOURS = {
    "inline": "#D55E00",
    "async": "#009E73",
    "thread-per-request": "#56B4E9",
    "thread-pool": "#2F8FD0",
    "process-per-request": "#E69F00",
    "process-pool": "#CC79A7",
    "supervised-process-pool": "#A95AA1",
    "interpreter-pool": "#9A8F1F",
    "hybrid": "#8C7A6B",
    "dask": "#6C8EBF",
}
OTHER = "#8A8A8A"


def colour_of(model: str) -> str:
    return COLOURS.get(model, OTHER)
