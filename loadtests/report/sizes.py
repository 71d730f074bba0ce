"""How large a pool should be, in a sentence; and the curve of the sizes that were measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from loadtests.capacity.scalability import Law, law_of
from loadtests.capacity.sizing import Size, knee
from loadtests.cell import Variation, phrase
from loadtests.report.wording import range_text, under
from loadtests.run.file.cells import CellResult, Standing
from loadtests.run.sizes import Series, series_of
from loadtests.wording import percent, rate_text

LEAST = 3  # sizes that make a curve
MEMORY_MIB = 1.0  # the least that is worth a word


def curves(cells: Iterable[CellResult], variations: Mapping[str, Variation]) -> list[Series]:
    """Return the series of one workload with enough sizes."""
    results = list(cells)
    options = dict.fromkeys(name for known in variations.values() for name in known.options)
    return [
        series
        for option in options
        for series in series_of(results, variations, option)
        if sum(cell.measured for cell in series.results.values()) >= LEAST
    ]


def size_sentence(series: Series, standing: Standing) -> str:
    """Say which size is enough, and what others sustain; empty where none is known."""
    sizes = series.sizes(standing)
    enough = knee(sizes)
    if enough is None:
        return ""
    most = sizes[enough]
    model = f"{series.model} {under(series.others.label)}" if series.others.label else series.model
    if most.unbounded:
        head = f"at {rate_text(most.capacity.low)} req/s, the most that the generator offers"
        return f"{model}: {phrase(series.option, str(enough))} still pass {head}" + _less(
            series, enough, standing
        )
    verb = "is" if enough == 1 else "are"
    what = "the most that was measured" if enough == max(sizes) else "enough"
    rates = f"{range_text(most.capacity)} req/s"
    words = f"{model}: {phrase(series.option, str(enough))} {verb} {what} ({rates})"
    return words + _less(series, enough, standing) + _more(series, sizes, enough, standing)


def _less(series: Series, enough: int, standing: Standing) -> str:
    smaller = [size for size in series.results if size < enough]
    if not smaller or not (share := _lost(series, enough, smaller[-1], standing)):
        return ""
    return f"; {smaller[-1]} {'loses' if smaller[-1] == 1 else 'lose'} {share}"


def _more(series: Series, sizes: Mapping[int, Size], enough: int, standing: Standing) -> str:
    larger = [size for size in sizes if size > enough]
    if not larger:
        return ""
    size, more = larger[0], sizes[larger[0]].pss_mib
    what = "gain nothing" if sizes[size].enough else f"lose {_lost(series, enough, size, standing)}"
    own = sizes[enough].pss_mib
    memory = more - own if more is not None and own is not None else 0.0
    takes = f" and take {memory:.0f} MiB more" if memory >= MEMORY_MIB else ""
    return f"; {size} {what}{takes}"


def _lost(series: Series, size: int, other: int, standing: Standing) -> str:
    """Return how much less another size sustains, as a share."""
    mine, its = series.results[size], series.results[other]
    ratio = standing.ratio(mine.row, its.row)
    known = ratio.value if ratio else (mine.capacity or 0.0) / (its.capacity or 1e-9)
    return percent(1 - 1 / known) if known > 1 else ""


def law(series: Series) -> Law | None:
    """Fit the law of scalability to what the sizes sustain, as far as that is known."""
    rates = {
        size: cell.capacity
        for size, cell in series.results.items()
        if cell.capacity and not cell.unbounded
    }
    return law_of(rates)


def law_text(known: Law) -> str:
    """Say what the law makes of it, in its own terms."""
    peak = f", a peak at {known.peak:.0f}" if known.peak else ""
    return (
        f"{rate_text(known.single)} req/s for a single one, contention {known.contention:.2g}, "
        f"coherency {known.coherency:.2g}{peak}"
    )


def sentences(
    workload: str,
    cells: Iterable[CellResult],
    variations: Mapping[str, Variation],
    standing: Standing,
) -> Iterator[tuple[str, str]]:
    """Yield a model, and which size of it is enough, with the other options of its best row."""
    known = [cell for cell in cells if cell.measured]
    best = {
        model: max(
            (cell for cell in known if cell.model == model),
            key=lambda cell: (cell.unbounded, cell.sustained),
        )
        for model in dict.fromkeys(cell.model for cell in known)
    }
    for series in curves(known, variations):
        leads = best[series.model] in series.results.values()
        if leads and (sentence := size_sentence(series, standing)):
            yield series.model, f"`{workload}`: {sentence}."
