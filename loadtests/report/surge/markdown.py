"""A surge as Markdown, to paste into an issue, a review or a results page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.machine.environment import describe
from loadtests.report.surge.sentences import sentences, warnings
from loadtests.report.surge.table import HEADS, SHARES, load_text, table, title
from loadtests.report.survival.markdown import table_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loadtests.report.surge.table import PolicyRow
    from loadtests.run.surge.lines import Surge


def markdown(surge: Surge) -> str:
    """Return the content of `summary.md`."""
    rows = table(surge)
    cautions = [f"- {warning}" for warning in warnings(surge)]
    parts = [
        f"# {title(surge).replace('<', '&lt;')}",
        f"{describe(surge.environment)}; started {surge.started}.",
        load_text(surge),
        "\n".join(_table(rows)) if rows else "",
        SHARES if rows else "",
        f"![{title(surge)}](surge.svg)".replace("<", "&lt;") if rows else "",
        "\n".join(f"- {sentence}" for sentence in sentences(surge)).replace("<", "&lt;"),
        "\n".join(["**Warnings**", "", *cautions]) if cautions else "",
        f"Made with:\n\n```sh\n{surge.command}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rows: Iterable[PolicyRow]) -> Iterator[str]:
    yield table_row([*HEADS, "good answers, each second"])
    yield table_row(["---"] * (len(HEADS) + 1))
    for row in rows:
        phases = [f"{figure}<br><sub>{small}</sub>" for figure, small in row.phases]
        yield table_row([row.policy, *phases, row.refused, row.gave_up, row.again, row.sparkline])
