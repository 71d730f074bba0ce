"""How well capacities were predicted before their searches, over all cells of a run."""

from collections.abc import Sequence
from statistics import median

from loadtests.run.file.cells import CellResult
from loadtests.wording import count_of

CLOSE = 0.25


def foretold(cells: Sequence[CellResult]) -> str:
    """Say measured ÷ predicted in a sentence, with the worst on either side; empty for none."""
    scored = sorted((cell for cell in cells if cell.score), key=lambda cell: cell.score or 0.0)
    if not scored:
        return ""
    scores = [cell.score or 0.0 for cell in scored]
    close = sum(abs(score - 1) <= CLOSE for score in scores)
    least, most = (
        f"{cell.score:.2f} (`{cell.workload}` under {cell.row})" for cell in (scored[0], scored[-1])
    )
    return (
        f"Of {count_of(len(scored), 'prediction')} made before a search that can be scored, "
        f"measured ÷ predicted is {median(scores):.2f} in the median, and within "
        f"{100 * CLOSE:.0f} % of 1 for {close}: from {least} to {most}."
    )
