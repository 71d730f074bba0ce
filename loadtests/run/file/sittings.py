"""A run that was interrupted and went on, as its readers see it."""

from __future__ import annotations

from dataclasses import replace

from loadtests.run.file.lines import Line, Run, cell_of, resumed


def gone_on(run: Run, line: Line) -> Run:
    """Take in that a run goes on, which has not ended then."""
    return replace(run, plan=resumed(run.plan, line), end=None)


def begun_again(run: Run, line: Line) -> Run:
    """Forget the trials of a search that was abandoned, now that it begins once more."""
    again = (cell_of(line), line.get("search", 0))
    trials = tuple(one for one in run.trials if (one.cell, one.search) != again)
    return run if len(trials) == len(run.trials) else replace(run, trials=trials)
