"""What to do next about a row: the change that should raise its capacity, and by how much."""

from loadtests.run.file.cells import CellResult
from loadtests.wording import DASH, TIMES, rate_text

RAISE = "with `--generators 4`, the load generator offers more"


def next_steps(cell: CellResult) -> list[str]:
    """Return the remedy of a cell in words, then in fewer: what it gave if that was measured.

    Without a remedy it is the advice that goes with the cause of the cell; none where nothing is
    known.
    """
    if cell.unbounded:
        return [RAISE]
    if cell.proof.get("stands") is False:
        return [f"the cause is open: {cell.proof['sentence']}", "the cause is open"]
    remedy, measured = cell.remedy, cell.proof.get("measured")
    option = f"`{remedy['option']}`" if remedy.get("option") else ""
    if option and measured and cell.proof.get("change") == remedy["change"]:
        low, high = measured
        gave = f"at least {low:.2f}" if high is None else f"{low:.2f}{DASH}{high:.2f}"
        return [f"{option}: {gave} {TIMES} as much (measured)"]
    if option and cell.capacity:
        low, high = (rate_text(cell.capacity * factor) for factor in remedy["predicted"])
        step = f"{option}: about {low}{DASH}{high} req/s (estimate)"
        return [f"{remedy['because']}; {step}", step] if remedy.get("because") else [step]
    advice = remedy.get("advice") or remedy.get("reason")
    return [f"for {cell.row}, {advice}", str(advice)] if advice else []
