"""A surge as Markdown: what one pastes into an issue, a review or a results page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.machine.environment import describe
from loadtests.report.surge.sentences import sentences, warnings
from loadtests.report.surge.table import HEADS, SHARES, load_text, table, title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtests.report.surge.table import PolicyRow
    from loadtests.run.surge.lines import Surge


def markdown(surge: Surge) -> str:
    """Return the content of `summary.md`."""
    lines = table(surge)
    told = [f"- {warning}" for warning in warnings(surge)]
    parts = [
        f"# {title(surge).replace('<', '&lt;')}",
        f"{describe(surge.environment)}; started {surge.started}.",
        load_text(surge),
        "\n".join(_table(lines)) if lines else "",
        SHARES if lines else "",
        f"![{title(surge)}](surge.svg)".replace("<", "&lt;") if lines else "",
        "\n".join(f"- {said}" for said in sentences(surge)).replace("<", "&lt;"),
        "\n".join(["**Warnings**", "", *told]) if told else "",
        f"Made with:\n\n```sh\n{surge.command}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(lines: Iterable[PolicyRow]) -> Iterable[str]:
    yield _row([*HEADS, "good answers, each second"])
    yield _row(["---"] * (len(HEADS) + 1))
    for row in lines:
        phases = [f"{figure}<br><sub>{small}</sub>" for figure, small in row.phases]
        yield _row([row.policy, *phases, row.refused, row.gave_up, row.again, row.sparkline])


def _row(fields: Iterable[str]) -> str:
    return "| " + " | ".join(fields) + " |"
