"""Charts that Altair describes and Vega draws; to import it takes half a second."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from loadtests.report.charts.converter import Converter
from loadtests.report.charts.drawing import FAINT, INK, PADDING, PAPER

COLOUR = alt.Color("colour:N", scale=None)  # the data hold the colour itself


def drawn(chart: Any, converter: Converter) -> str:
    """Draw a chart, without its text alternative. Raises Undrawn."""
    axis = alt.AxisConfig(labelColor=INK, titleColor=INK, gridColor=FAINT, domainColor=FAINT,
        tickColor=FAINT, titleFontWeight="normal", labelFontSize=11)  # fmt: skip
    view = alt.ViewConfig(stroke=FAINT)
    dressed = chart.configure(background=PAPER, padding=PADDING, view=view, axis=axis)
    with alt.data_transformers.enable(consolidate_datasets=False):  # which hashes all data
        specification = dressed.to_dict(validate=False)
    return converter.svg(specification)


def values(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Give a chart its data; Altair copies lists over and over again, but not tuples."""
    return alt.InlineData(values=tuple(rows))
