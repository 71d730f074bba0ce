"""Figures as rows: what charts are drawn from, and every trial of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.load.answer import Stages
from loadtests.report.charts import spectrum, stages
from loadtests.report.survival.foresight import RESOURCES
from loadtests.report.wording import SIGNS, UNKNOWN, interval_text
from loadtests.trial.tally import SPECTRUM
from loadtests.wording import percent, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord

NOTHING = "–"
TRIAL_HEADS = (
    *("at", "offered", "for", "requests", "verdict", "p50", "p99", "goodput", "lost"),
    *("/health p99", "loop lag p99", "cores", "GIL", "memory", "generator", "why"),
)
UNITS = ("s", "req/s", "s", "", "", "ms", "ms", "req/s", "%", "ms", "ms", "", "%", "MiB", "%", "")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns; those after the first `words` hold numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1

    def told(self) -> str:
        """Read it out, for those who see no chart."""
        return " ".join(
            f"{' '.join(row[: self.words])}: "
            + ", ".join(
                f"{head} {value}"
                for head, value in list(zip(self.heads, row, strict=True))[self.words :]
            )
            + "."
            for row in self.rows
        )


@dataclass(frozen=True, slots=True)
class TrialTable:
    """All trials of one cell, in the order in which they ran."""

    row: str
    model: str
    summary: str
    rows: tuple[tuple[str, ...], ...]


def spectra_table(found: spectrum.Spectra) -> Table:
    heads = ("model", "req/s", *(f"p{at:g}" for at in SPECTRUM[:-1]), "slowest")
    rows = []
    for row, trial in found.shown.items():
        known = dict(spectrum.figures(trial))
        times = (_number(known.get(at), " ms") for at in SPECTRUM)
        rows.append((row, rate_text(trial.rate), *times))
    return Table(heads, tuple(rows))


def stages_table(spent: Sequence[stages.Spent]) -> Table:
    heads = ("model", "requests", "req/s", *(stages.PARTS[name][0] for name in Stages._fields))
    missing = (NOTHING,) * len(Stages._fields)
    return Table(
        heads,
        tuple(
            (
                one.row,
                one.group,
                rate_text(one.rate),
                *((_number(1e3 * s, " ms") for s in one.stages) if one.stages else missing),
            )
            for one in spent
        ),
        words=2,
    )


def ceilings_table(results: Sequence[CellResult]) -> Table:
    heads = ("model", "ends first", "ceiling", "predicted", "measured", "of the ceiling")
    known = [one for one in results if one.measured and one.ceiling is not None]
    return Table(
        heads,
        tuple(
            (
                one.row,
                RESOURCES.get(one.binding or "", one.binding or ""),
                rate_text(one.ceiling or 0),
                NOTHING if one.predicted is None else rate_text(one.predicted),
                interval_text(one),
                NOTHING if one.efficiency is None else percent(one.efficiency),
            )
            for one in known
        ),
        words=2,
    )


def tried(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> list[TrialTable]:
    """List every trial of a workload by its cell, those that prove nothing too."""
    every = list(trials)
    found = []
    for one in results:
        mine = [trial for trial in every if trial.cell == one.cell]
        if mine:
            discarded = sum(not trial.valid for trial in mine)
            more = f", {discarded} discarded" if discarded else ""
            rows = tuple(_trial(trial) for trial in mine)
            found.append(TrialTable(one.row, one.model, f"{len(mine)} trials{more}", rows))
    return found


def _trial(one: TrialRecord) -> tuple[str, ...]:
    seen, lag_s = one.evidence, one.evidence.get("loop_lag_p99_s")
    loss = one.work.loss_ratio
    return (
        f"{one.at:.0f}",
        rate_text(one.rate),
        f"{one.duration_s:.1f}",
        str(one.work.scheduled),
        ("held" if one.held else "broke") if one.valid else "discarded",
        _number(one.work.p50_ms),
        _number(one.work.p99_ms),
        _number(one.work.goodput),
        NOTHING if loss is None else f"{100 * loss:.3g}",
        _number(one.bystander.p99_ms),
        _number(None if lag_s is None else 1e3 * lag_s),
        _number(seen.get("server_cores"), digits=2),
        _percent(seen.get("gil")),
        _number(one.pss_mib),
        _percent(one.generator_cpu),
        _why(one),
    )


def _why(one: TrialRecord) -> str:
    if not one.valid:
        return " ".join(one.reasons)
    if one.held:
        return ""
    cause = str((one.cause or {}).get("name") or UNKNOWN)
    sign = SIGNS.get(one.broke_by or "", (one.broke_by or "",))[0]
    return sign if cause == UNKNOWN else f"{cause} ({sign})" if sign else cause


def _number(value: float | None, unit: str = "", digits: int | None = None) -> str:
    if value is None:
        return NOTHING
    places = (0 if value >= 9.95 else 1 if value >= 0.095 else 2) if digits is None else digits
    return f"{value:.{places}f}{unit}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f}"
