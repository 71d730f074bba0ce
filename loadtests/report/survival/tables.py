"""The data of charts as tables, and every trial of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.cell import Cell
from loadtests.load.answer import Stages
from loadtests.report.charts import stages
from loadtests.report.wording import SIGNS, UNKNOWN
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.trial.tally import SPECTRUM
from loadtests.wording import STAGE_NAMES, rate_text

NOTHING = "–"
TRIAL_HEADS = (
    *("at", "offered", "for", "requests", "verdict", "p50", "p99", "goodput", "lost"),
    *("/health p99", "loop lag p99", "cores", "GIL", "memory", "generator", "why"),
)
UNITS = ("s", "req/s", "s", "", "", "ms", "ms", "req/s", "%", "ms", "ms", "", "%", "MiB", "%", "")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns; all but the first `words` hold numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1

    def as_text(self) -> str:
        """Return the table as text, for readers who cannot see the chart."""
        texts = []
        for row in self.rows:
            figures = zip(self.heads[self.words :], row[self.words :], strict=True)
            texts.append(f"{' '.join(row[: self.words])}: {', '.join(map(' '.join, figures))}.")
        return " ".join(texts)


@dataclass(frozen=True, slots=True)
class TrialTable:
    """All trials of one cell, in the order in which they ran."""

    row: str
    model: str
    summary: str
    rows: tuple[tuple[str, ...], ...]


def times_table(results: Sequence[CellResult], loads: Mapping[Cell, TrialRecord]) -> Table | None:
    """List the response times of the rows that were tried at the same load; None without any."""
    rows = []
    for cell in results:
        if (trial := loads.get(cell.cell)) and trial.valid and trial.work.spectrum_ms:
            loss, times = trial.work.loss_ratio, trial.work.spectrum_ms
            lost = NOTHING if loss is None else f"{100 * loss:.3g} %"
            rows.append((cell.row, trial.outcome, *(_number(ms, " ms") for ms in times), lost))
    heads = ("row", "outcome", *(f"p{at:g}" for at in SPECTRUM[:-1]), "slowest", "lost")
    return Table(heads, tuple(rows), words=2) if rows else None


def stages_table(spent: Sequence[stages.Spent]) -> Table:
    heads = ("model", "requests", "req/s", *(STAGE_NAMES[name] for name in Stages._fields))
    missing = (NOTHING,) * len(Stages._fields)
    return Table(
        heads,
        tuple(
            (
                bar.row,
                bar.group,
                rate_text(bar.rate),
                *((_number(1e3 * s, " ms") for s in bar.stages) if bar.stages else missing),
            )
            for bar in spent
        ),
        words=2,
    )


def trial_tables(results: Sequence[CellResult], trials: Sequence[TrialRecord]) -> list[TrialTable]:
    """List all trials of a workload by cell, invalid ones included."""
    tables = []
    for cell in results:
        if own := [trial for trial in trials if trial.cell == cell.cell]:
            void = sum(not trial.valid for trial in own)
            more = f", {void} void" if void else ""
            rows = tuple(map(_trial, own))
            text = f"{len(own)} trials{more}"
            tables.append(TrialTable(cell.row, cell.model, text, rows))
    return tables


def _trial(trial: TrialRecord) -> tuple[str, ...]:
    evidence, lag_s = trial.evidence, trial.evidence.get("loop_lag_p99_s")
    loss = trial.work.loss_ratio
    return (
        f"{trial.at:.0f}",
        rate_text(trial.rate),
        f"{trial.duration_s:.1f}",
        str(trial.work.scheduled),
        trial.outcome,
        _number(trial.work.p50_ms),
        _number(trial.work.p99_ms),
        _number(trial.work.goodput),
        NOTHING if loss is None else f"{100 * loss:.3g}",
        _number(trial.bystander.p99_ms),
        _number(None if lag_s is None else 1e3 * lag_s),
        _number(evidence.get("server_cores"), digits=2),
        _percent(evidence.get("gil")),
        _number(trial.pss_mib),
        _percent(trial.generator_cpu),
        _why(trial),
    )


def _why(trial: TrialRecord) -> str:
    if not trial.valid:
        return " ".join(trial.reasons)
    if trial.held:
        return ""
    cause = str((trial.cause or {}).get("name") or UNKNOWN)
    sign = SIGNS.get(trial.broke_by or "", (trial.broke_by or "",))[0]
    return sign if cause == UNKNOWN else f"{cause} ({sign})" if sign else cause


def _number(value: float | None, unit: str = "", digits: int | None = None) -> str:
    if value is None:
        return NOTHING
    places = (0 if value >= 9.95 else 1 if value >= 0.095 else 2) if digits is None else digits
    return f"{value:.{places}f}{unit}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f}"
