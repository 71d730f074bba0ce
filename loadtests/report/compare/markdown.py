"""A comparison as Markdown, to paste into an issue or a review."""

from collections.abc import Iterator, Mapping, Sequence

from loadtests.report.compare.changes import changes
from loadtests.report.compare.comparison import Comparison, Match
from loadtests.report.compare.sentences import (
    NOTHING_CHANGED,
    legend_of,
    machines,
    marked,
    objectives,
    range_text,
    rate_of,
    title_of,
    verdicts,
)
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.report.survival.markdown import plain, table_row


def markdown(comparison: Comparison) -> str:
    different = changes(comparison.sides)
    parts = [
        f"# {plain(title_of(comparison))}",
        "\n>\n".join(f"> {plain(sentence)}" for sentence in unlike(comparison)),
        "\n".join(f"- {plain(sentence)}" for sentence in verdicts(comparison)),
        f"Requests per second sustained within `{objectives(comparison)}`, and the ratio at equal "
        "speed with its 95 % interval:",
        "\n".join(_cells(comparison)),
        legend_of(comparison),
        "**What has changed**" if different else NOTHING_CHANGED,
        "\n".join(_changes(comparison, different)),
        "\n".join(f"- {plain(name)}: {plain(place)}" for name, place in machines(comparison)),
        _warnings(warnings(comparison)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _cells(comparison: Comparison) -> Iterator[str]:
    labels = [
        text for side in comparison.later for text in (side.label, f"÷ {comparison.first.label}")
    ]
    yield table_row(map(plain, ["workload", "model", comparison.first.label, *labels]))
    yield table_row(["---", "---", *(["---:"] * (1 + len(labels)))])
    for row in comparison.shown:
        later = (text for match in row.later for text in _match(match))
        names = (plain(row.cell.workload), plain(row.cell.row))
        yield table_row([*names, plain(rate_of(row.first)), *later])


def _match(match: Match) -> tuple[str, str]:
    rate, ratio = plain(rate_of(match.result)), match.ratio
    if ratio is None:
        return rate, ""
    figure = f"**{marked(ratio)}**" if ratio.sign != "same" else marked(ratio)
    small = f"<br><sub>{range_text(ratio)}</sub>" if ratio.best is not None else ""
    return rate, f"{figure}{small}"


def _changes(comparison: Comparison, different: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if different:
        yield table_row(["", *(plain(side.label) for side in comparison.sides)])
        yield table_row(["---"] * (1 + len(comparison.sides)))
    for name, values in different.items():
        yield table_row(map(plain, [name, *values]))


def _warnings(sentences: Sequence[str]) -> str:
    lines = [f"- {plain(sentence)}" for sentence in sentences]
    return "\n".join(["**Warnings**", "", *lines]) if lines else ""
