"""What the rounds of a workload have shown so far: written to a run file, and read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from loadtests.capacity.demands import Cost
from loadtests.capacity.estimate import Contender
from loadtests.capacity.queueing import Queue
from loadtests.capacity.rounds import Before
from loadtests.capacity.stretch import STRETCHES, Sample
from loadtests.run.file.lines import Line, cell_of

DIGITS = 5


def queue_line(contender: Contender) -> dict[str, Any]:
    """Return the queue of a row as plain data."""
    queue = contender.queue
    return {
        "servers": queue.servers,
        "bound_s": queue.bound_s,
        "shape": list(queue.shape),
        "refuses": queue.refuses,
        "group": contender.group,
        "cost": asdict(contender.cost) if contender.cost else None,
    }


def _contender(name: str, line: Line) -> Contender:
    queue = Queue(line["servers"], line["bound_s"], tuple(line["shape"]), line["refuses"])
    cost = Cost(**line["cost"]) if line["cost"] else None
    return Contender(name, queue, line["group"], cost)


def stored(sample: Sample) -> dict[str, Any]:
    """Return a sample as plain data: of its curve what lies between no loss and all that counts."""
    first = sum(losses == sample.curve[0] for losses in sample.curve) - 1
    last = len(sample.curve) - sum(losses == sample.curve[-1] for losses in sample.curve)
    inner = sample.curve[first : last + 1] if first <= last else sample.curve[:1]
    return {
        "demand_s": sample.demand_s,
        "cpu_s": sample.cpu_s,
        "lost": round(sample.lost, DIGITS),
        "most": round(sample.most, DIGITS),
        "start": first if first <= last else 0,
        "curve": [round(losses, DIGITS) for losses in inner],
    }


def restored(name: str, line: Mapping[str, Any]) -> Sample:
    """Restore what `stored` returned."""
    start, inner = line["start"], line["curve"]
    rest = len(STRETCHES) - start - len(inner)
    whole = [inner[0]] * start + inner + [inner[-1]] * rest
    figures = (line["demand_s"], line["lost"], line["most"], tuple(whole), line["cpu_s"])
    return Sample(name, *figures)


class Played:
    """The rounds of one workload; fed with the lines of a run file, in their order."""

    def __init__(self) -> None:
        self._contenders: dict[str, Contender] = {}
        self._rounds: dict[int, list[Sample]] = {}
        self._trials: dict[str, list[Line]] = {}
        self._limits: dict[str, float] = {}
        self._idle: dict[str, None] = {}
        self.last = 0  # the number of the last round

    def update(self, line: Line) -> None:
        """Take in a line about this workload."""
        row = cell_of(line).row
        match line["line"]:
            case "prediction" if line.get("queue"):
                self._contenders[row] = _contender(row, line["queue"])
            case "trial" if not line.get("load"):
                self.last = max(self.last, line["round"])
                if not line.get("again"):
                    self._trials.setdefault(row, []).append(line)
                    if sample := line.get("sample"):
                        played = self._rounds.setdefault(line["round"], [])
                        played.append(restored(row, sample))
            case "cell" if interval := line.get("interval"):
                self._limits.pop(row, None)
                self._idle.pop(row, None)
                if line["state"] == "at generator limit":
                    self._limits[row] = interval[1]
                elif not interval[0]:
                    self._idle[row] = None

    def trials(self, row: str) -> list[Line]:
        """Return the trials of a row, void ones too."""
        return self._trials.get(row, [])

    @property
    def before(self) -> Before:
        rounds = [tuple(samples) for _, samples in sorted(self._rounds.items())]
        return Before(tuple(self._contenders.values()), rounds, self._limits, [*self._idle])
