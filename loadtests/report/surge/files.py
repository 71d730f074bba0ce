"""The files of a finished surge beside its run file, and its report in the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from loadtests.machine.environment import describe
from loadtests.report.surge.results import (
    HEADS,
    SHARES,
    PolicyRow,
    load_text,
    sentences,
    table,
    title,
    warnings,
)
from loadtests.report.surge.terminal import final
from loadtests.report.survival.markdown import escaped, fenced, table_row
from loadtests.report.survival.terminal import REPORT
from loadtests.run.surge.lines import PhaseResult, PolicyResult, Surge, columns, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from loadtests.report.gallery import Gallery

SCHEMA = 1  # of `summary.json`


class Surged:
    """The report of the surge in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.surge = read(folder)

    def texts(self) -> dict[str, str]:
        """Return the files for other programs, and for people without a browser."""
        text = json.dumps(as_json(self.surge), indent=2, ensure_ascii=False)
        return {"summary.json": text + "\n", "summary.md": markdown(self.surge)}

    def shown(self) -> RenderableType:
        return final(self.surge, self._folder)

    def pictures(self, gallery: Gallery) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the name of each picture and its drawing function; the page comes last."""
        from loadtests.report.surge.charts import svg  # noqa: PLC0415 - Altair takes half a second
        from loadtests.report.surge.html import html  # noqa: PLC0415 - likewise

        if self.surge.measured:
            yield "surge.svg", partial(svg, self.surge, gallery.converter)
        yield REPORT, partial(html, self.surge, gallery)


def as_json(surge: Surge) -> dict[str, Any]:
    """Return the content of `summary.json`; rates are per second."""
    return {
        "schema": SCHEMA,
        "environment": dict(surge.environment),
        "workload": surge.workload,
        "model": surge.model,
        "slo": str(surge.slo),
        "capacity": surge.capacity,
        "target_s": surge.target_s,
        "policies": list(map(_policy_json, surge.results)),
        "sentences": list(sentences(surge)),
        "warnings": list(warnings(surge)),
    }


def _policy_json(result: PolicyResult) -> dict[str, Any]:
    phases = list(map(_phase_json, result.phases))
    return {**asdict(result), "phases": phases, "series": columns(result.series)}


def _phase_json(phase: PhaseResult) -> dict[str, Any]:
    return {
        "name": phase.name,
        "duration_s": phase.duration_s,
        "offered": phase.rate,
        "goodput": phase.goodput,
        "p99_ms": phase.p99_ms,
        "counts": asdict(phase.counts),
    }


def markdown(surge: Surge) -> str:
    """Return the content of `summary.md`."""
    rows = table(surge)
    cautions = "\n".join(f"- {escaped(warning)}" for warning in warnings(surge))
    parts = [
        f"# {title(surge).replace('<', '&lt;')}",
        escaped(f"{describe(surge.environment)}; started {surge.started}."),
        load_text(surge),
        "\n".join(_table(rows)) if rows else "",
        SHARES if rows else "",
        f"![{title(surge)}](surge.svg)".replace("<", "&lt;") if rows else "",
        "\n".join(f"- {sentence}" for sentence in sentences(surge)).replace("<", "&lt;"),
        f"**Warnings**\n\n{cautions}" if cautions else "",
        "Made with:",
        fenced(surge.command),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rows: Iterable[PolicyRow]) -> Iterator[str]:
    yield table_row([*HEADS, "good answers, each second"])
    yield table_row(["---"] * (len(HEADS) + 1))
    for row in rows:
        phases = [f"{figure}<br><sub>{small}</sub>" for figure, small in row.phases]
        yield table_row([row.policy, *phases, row.refused, row.gave_up, row.again, row.sparkline])
