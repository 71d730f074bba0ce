"""The jobs of a survival run in their order, and which of them are left to do."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from loadtests.cell import Cell
from loadtests.run.beyond.kinds import chosen_kinds
from loadtests.run.file.fold import typical
from loadtests.run.file.lines import Line, Plan, cell_of, plan_of, resumed

SEARCH = "search"
PROOF = "proof"  # among the kinds of trials that come after the searches of a cell


class Job(NamedTuple):
    """A search of a cell; or what comes after its last one, by its kind."""

    cell: Cell
    kind: str
    search: int = 0

    def continues(self, before: "Job | None") -> bool:
        """Whether both come after the searches of one cell: no budget ends a run between them."""
        if before is None or before.cell != self.cell:
            return False
        return SEARCH not in {before.kind, self.kind}


def rounds(cells: Sequence[Cell], searches: int, seed: object) -> Iterator[tuple[Cell, int]]:
    """Go round all cells, each time in another random order, as often as each is searched."""
    for search in range(searches):
        rng = Random(f"{seed}/{search}")  # noqa: S311 - no secret
        yield from ((cell, search) for cell in rng.sample(cells, len(cells)))


def after(arguments: Mapping[str, Any], mode: str) -> dict[str, float]:
    """Name what comes after the searches of a cell, with its seconds; a proof takes a search."""
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
                self._done = {job: end for job, end in self._done.items() if not end.get("error")}
            case "cell":
                return self._end(Job(cell_of(line), SEARCH, line.get("search", 0)), line)
            case "proof":
                return self._end(Job(cell_of(line), PROOF), line)
            case "beyond":
                return self._end(Job(cell_of(line), line["kind"]), line)
        return None

    @property
    def left(self) -> list[Job]:
        """The jobs that are not done, the present one first."""
        return [job for job in self._jobs if job not in self._done and self._makes_sense(job)]

    def results(self, cell: Cell | None = None) -> list[Line]:
        """The lines of the searches that have a result: of one cell, or of all."""
        return [
            line
            for job, line in self._done.items()
            if job.kind == SEARCH and cell in {None, job.cell} and line.get("held") is not None
        ]

    def _schedule(self, plan: Plan) -> None:
        self.plan, self._jobs = plan, tuple(_jobs(plan))

    def _end(self, job: Job, line: Line) -> Job:
        self._done[job] = line
        return job

    def _makes_sense(self, job: Job) -> bool:
        """Whether there is a peak to go beyond, or a cause to prove, as far as is known."""
        if job.kind == SEARCH or self.plan is None:
            return True
        if any(Job(job.cell, SEARCH, n) not in self._done for n in range(self.plan.searches)):
            return job.cell not in self.plan.absent
        results = self.results(job.cell)
        return bool(results) and (job.kind != PROOF or bool(typical(results).get("cause")))


def _jobs(plan: Plan) -> Iterator[Job]:
    kinds = after(plan.arguments, plan.mode)
    for cell, search in rounds(plan.cells, plan.searches, plan.seed):
        yield Job(cell, SEARCH, search)
        if search == plan.searches - 1:
            yield from (Job(cell, kind) for kind in kinds)
