"""The jobs of a survival run in their order, and which of them are left to do."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from loadtests.cell import Cell
from loadtests.run.beyond.kinds import chosen_kinds
from loadtests.run.file.lines import Line, Plan, cell_of, plan_of, resumed

ROUNDS = "rounds"  # of a workload: they measure its cells together
PROOF = "proof"  # among the kinds of trials that follow when all cells are measured


class Job(NamedTuple):
    """The rounds that measure a cell; or what follows them, by its kind."""

    cell: Cell
    kind: str


def after(arguments: Mapping[str, Any], mode: str) -> dict[str, float]:
    """Name what follows the rounds of a cell, with its seconds; a proof takes rounds of its own."""
    proof = {PROOF: 0.0} if arguments.get("prove") else {}
    return proof | chosen_kinds(arguments.get("beyond") or (), mode)


class Agenda:
    """The jobs of a run; fed with the lines of its run file, in their order."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self._jobs: tuple[Job, ...] = ()
        self._done: dict[Job, Line] = {}

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
            case "beyond":
                return self._end(Job(cell_of(line), line["kind"]), line)
        return None

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
    def measured(self) -> list[Cell]:
        """The cells that have a result."""
        return [job.cell for job in self._done if job.kind == ROUNDS and self.result(job.cell)]

    def _schedule(self, plan: Plan) -> None:
        self.plan, self._jobs = plan, tuple(_jobs(plan))

    def _end(self, job: Job, line: Line) -> Job:
        self._done[job] = line
        return job

    def _makes_sense(self, job: Job) -> bool:
        """Whether there is a peak to go beyond, or a cause to prove, as far as is known."""
        if job.kind == ROUNDS or self.plan is None:
            return True
        if Job(job.cell, ROUNDS) not in self._done:
            return job.cell not in self.plan.absent
        result = self.result(job.cell)
        return result is not None and (job.kind != PROOF or bool(result.get("blamed")))


def _jobs(plan: Plan) -> Iterator[Job]:
    yield from (Job(cell, ROUNDS) for cell in plan.cells)
    for cell in plan.cells:
        yield from (Job(cell, kind) for kind in after(plan.arguments, plan.mode))
