"""What to do next about a row: the change that should raise its capacity, and by how much."""

from loadtests.run.file.cells import CellResult
from loadtests.wording import DASH, TIMES, rate_text

RAISE = "raise the generator's limit with --generators to learn how much more"


def next_step(cell: CellResult) -> str:
    """Return the remedy of a cell in words: what it gave if that was measured, else the estimate.

    Without a remedy it is the advice that goes with its cause; empty where nothing is known.
    """
    if cell.unbounded:
        return RAISE
    remedy, proof = cell.remedy, cell.proof
    option = f"`{remedy['option']}`" if remedy.get("option") else remedy.get("change")
    if option and proof.get("stands") and proof.get("change") == remedy.get("change"):
        low, high = proof["measured"]
        most = "or more" if high is None else f"{DASH}{high:.2f}".removeprefix(" ")
        return f"{option}: {low:.2f}{most} {TIMES} as much (measured)"
    if option and remedy.get("predicted") and cell.capacity:
        low, high = (rate_text(cell.capacity * factor) for factor in remedy["predicted"])
        return f"{option}: about {low}{DASH}{high} req/s (estimate)"
    return str(remedy.get("advice") or remedy.get("reason") or "")
