"""What weakens the results of a run, in sentences; each reason once, with its advice."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from loadtests.report.wording import name_of, shortened, under
from loadtests.run.file.cells import NOT_MEASURED, CellResult
from loadtests.run.file.lines import Run
from loadtests.wording import count_of, listing, rate_text

BUSY_SHARE = 1.0  # of all cores, for a minute; the sentinel watches them during trials
MANY_VOID = 0.1  # of the trials: fewer cost nothing but time
NUMBER = re.compile(r"\d[\d.,]*")


def warnings_of(run: Run, cells: Sequence[CellResult]) -> Iterator[str]:
    """Yield all warnings about a run, the most general first.

    What rows tie, or are at the generator's limit, is in the answers; how many trials were void and
    which cells are unfinished is in the lines about trust. These are the reasons.
    """
    failed = [cell for cell in cells if not (cell.measured or cell.unavailable)]
    tried = [cell for cell in failed if cell.error != NOT_MEASURED]
    # If every cell had its turn and failed, the run has no other reason to end than theirs.
    same = failed and len(tried) == len(failed) and not any(cell.measured for cell in cells)
    if run.end and run.end.reason and not same:
        yield f"The run ended early: {_joined([run.end.reason])}"
    yield from _conditions(run)
    yield from _servers(run, cells)
    reasons = _unfinished(tried)
    yield from _void(run, reasons)
    yield from reasons


def _unfinished(cells: Iterable[CellResult]) -> list[str]:
    """Give the reason for each unfinished cell; alike but for their numbers, only once."""
    alike: dict[str, list[CellResult]] = {}
    for cell in cells:
        alike.setdefault(_alike(cell.error or ""), []).append(cell)
    warnings = []
    for group in alike.values():
        names = shortened(list(map(name_of, group)), "other cells")
        verb = "is" if len(group) == 1 else "are"
        warnings.append(f"{names} {verb} unfinished: {_joined([group[0].error or ''])}")
    return warnings


def busy(environment: Mapping[str, Any]) -> str | None:
    load, cores = environment.get("load_average"), environment.get("cores")
    if not (load and cores and load[0] > BUSY_SHARE * cores):
        return None
    figures = f"load average {load[0]:.1f} on {count_of(cores, 'core')}"
    return f"The machine was busy before the run started ({figures}): rates may be too low."


def _conditions(run: Run) -> Iterator[str]:
    if warning := busy(run.plan.environment):
        yield warning
    if run.plan.arguments.get("host"):
        yield (
            "The run measured a service that it did not start: the service was not restarted "
            "between cells, and its CPU and memory were not sampled."
        )


def _servers(run: Run, cells: Sequence[CellResult]) -> Iterator[str]:
    """Pass on the servers' own warnings, each once, with the rows that gave it."""
    environment = run.plan.environment
    servers = environment.get("servers") or {"": environment.get("server") or {}}
    texts = [
        (text, label) for label, server in servers.items() for text in server.get("warnings") or ()
    ]
    texts += [(text, cell.variant) for cell in cells for text in cell.warnings]
    variants: dict[str, list[str]] = {}
    for text, label in dict.fromkeys(texts):
        variants.setdefault(text, []).append(label)
    for text, labels in variants.items():
        where = f"The server {listing([*map(under, labels)])}" if all(labels) else "The server"
        yield f"{where}: {_joined([text])}"


def _void(run: Run, reasons: Iterable[str]) -> Iterator[str]:
    """Explain one of the void trials if there are many, unless `reasons` do."""
    trials = [trial for trial in run.trials if not trial.again]  # as a report lists them
    invalid = [trial for trial in trials if not trial.valid]
    if len(invalid) <= MANY_VOID * len(trials):
        return
    first = invalid[0]
    reason = _joined(first.reasons[:1])  # the others are in the table of all trials
    if not any(_alike(reason) in _alike(known) for known in reasons):
        where = f"{name_of(first.cell)} at {rate_text(first.rate)} req/s"
        yield f"Many trials were void; the first, {where}: {reason}"


def _alike(reason: str) -> str:
    """Return what equals the same reason with other numbers."""
    return NUMBER.sub("#", reason)


def _joined(reasons: Iterable[str]) -> str:
    sentences = (f"{reason.rstrip('.')}." for reason in reasons if reason)
    return " ".join(sentences) or "no reason was reported."
