"""The jobs of a survival run in their order, and which of them are left to do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from loadtests.cell import Cell
from loadtests.run.beyond.kinds import chosen_kinds
from loadtests.run.choice import choose, wishes
from loadtests.run.file.cells import Standing
from loadtests.run.file.lines import (
    Line,
    Plan,
    cell_of,
    plan_of,
    result_of,
    resumed,
    standing_of,
    with_variation,
)
from loadtests.run.options import EVERYBODY, NOBODY

ROUNDS = "rounds"  # of a workload: they measure its cells together
PROOF = "proof"  # among the kinds of trials that follow when all cells are measured
AUTOPSY = "autopsy"  # likewise: it finds the line of code that limits a cell
AUTOPSY_S = 8.0
MOST_NAMED = 3  # cells of a workload that its answer names


class Job(NamedTuple):
    """The rounds that measure a cell; or what follows them, by its kind."""

    cell: Cell
    kind: str


def after(arguments: Mapping[str, Any], mode: str) -> dict[str, float]:
    """Name what follows the rounds of a cell, with its seconds; a proof takes rounds of its own.

    Run files that know nothing of autopsies have none.
    """
    proof = {PROOF: 0.0} if arguments.get("prove") else {}
    autopsy = {AUTOPSY: AUTOPSY_S} if arguments.get(AUTOPSY, NOBODY) != NOBODY else {}
    return proof | autopsy | chosen_kinds(arguments.get("beyond") or (), mode)


class Agenda:
    """The jobs of a run; fed with the lines of its run file, in their order."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self._jobs: tuple[Job, ...] = ()
        self._done: dict[Job, Line] = {}
        self._standings: dict[str, Standing] = {}  # by workload
        self._over = False

    def update(self, line: Line) -> Job | None:
        """Take in the next line; returns the job that it ends."""
        match line["line"]:
            case "run":
                self._schedule(plan_of(line))
            case "resumed" if self.plan:
                self._schedule(resumed(self.plan, line))
                self._done = {
                    job: end for job, end in self._done.items() if end.get("state") != "unfinished"
                }
            case "cell":
                return self._end(Job(cell_of(line), ROUNDS), line)
            case "proof":
                return self._end(Job(cell_of(line), PROOF), line)
            case "autopsy":
                return self._end(Job(cell_of(line), AUTOPSY), line)
            case "variation" if self.plan:
                self.plan = with_variation(self.plan, line)
            case "standing":
                self._standings[line["workload"]] = standing_of(line)
            case "end":
                self._over = line.get("exit") == 0
            case "beyond":
                return self._end(Job(cell_of(line), line["kind"]), line)
        return None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do; a search of sizes is over when its run has ended well."""
        sizes = bool(self.plan and self.plan.arguments.get("size")) and not self._over
        return not self.left and not sizes

    @property
    def left(self) -> list[Job]:
        """The jobs that are not done, the present one first."""
        return [job for job in self._jobs if job not in self._done and self._makes_sense(job)]

    @property
    def unmeasured(self) -> dict[str, list[Cell]]:
        """The cells that have not been measured, by workload: the present one first."""
        cells: dict[str, list[Cell]] = {}
        for job in self.left:
            if job.kind == ROUNDS:
                cells.setdefault(job.cell.workload, []).append(job.cell)
        return cells

    @property
    def unfinished(self) -> dict[str, list[Cell]]:
        """The cells whose rounds have ended without a result, by workload."""
        cells: dict[str, list[Cell]] = {}
        for job, line in self._done.items():
            if job.kind == ROUNDS and line.get("state") == "unfinished":
                cells.setdefault(job.cell.workload, []).append(job.cell)
        return cells

    def result(self, cell: Cell) -> Line | None:
        """Return the line with the capacity of a cell, if it has been measured."""
        line = self._done.get(Job(cell, ROUNDS))
        return line if line and line.get("interval") and line["state"] != "unfinished" else None

    @property
    def workloads(self) -> list[str]:
        return list(dict.fromkeys(job.cell.workload for job in self._jobs))

    def results(self, workload: str) -> list[Line]:
        """Return the lines of the cells of a workload that have a result."""
        cells = [cell for cell in self.measured if cell.workload == workload]
        return [line for cell in cells if (line := self.result(cell))]

    def standing(self, workload: str) -> Standing:
        return self._standings.get(workload) or Standing(workload)

    @property
    def measured(self) -> list[Cell]:
        """The cells that have a result."""
        return [job.cell for job in self._done if job.kind == ROUNDS and self.result(job.cell)]

    def _schedule(self, plan: Plan) -> None:
        self.plan, self._jobs = plan, tuple(_jobs(plan))

    def _end(self, job: Job, line: Line) -> Job:
        self._done[job] = line
        return job

    def _makes_sense(self, job: Job) -> bool:
        """Whether there is a peak to go beyond, or a cause to look into, as far as is known."""
        if job.kind == ROUNDS or self.plan is None:
            return True
        if job.kind == AUTOPSY and job.cell not in self._examined(job.cell.workload):
            return False
        if Job(job.cell, ROUNDS) not in self._done:
            return job.cell not in self.plan.absent
        result = self.result(job.cell)
        caused = job.kind in {PROOF, AUTOPSY}
        return result is not None and (not caused or bool(result.get("blamed")))

    def _examined(self, workload: str) -> Sequence[Cell]:
        """Return the cells of a workload that have an autopsy, as far as is known."""
        if self.plan is None:
            return ()
        cells = [cell for cell in self.plan.cells if cell.workload == workload]
        if self.plan.arguments.get(AUTOPSY) == EVERYBODY:
            return cells
        lines = [self._done.get(Job(cell, ROUNDS)) for cell in cells]
        results = [result_of(line) for line in lines if line]
        if len(results) < len(cells):
            return [cell for cell in cells if cell not in self.plan.absent][:MOST_NAMED]
        standing = self._standings.get(workload)
        choice = choose(workload, results, standing, **wishes(self.plan))
        return [cell.cell for cell in choice.named]


def _jobs(plan: Plan) -> Iterator[Job]:
    yield from (Job(cell, ROUNDS) for cell in plan.cells)
    for cell in plan.cells:
        yield from (Job(cell, kind) for kind in after(plan.arguments, plan.mode))
