"""What came of a proof: whether capacity moved as predicted, and stayed where it had to stay."""

import math
from dataclasses import dataclass

from loadtests.cause.gain import SOME_MORE
from loadtests.cause.remedy import Control, Remedy
from loadtests.wording import DASH, TIMES

TOLERANCE = 0.05  # of each end of the prediction, which is rounded arithmetic

Ratios = tuple[float, float]  # the interval of a ratio of capacities


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a cause was confirmed, and the range of ratios by which capacity changed.

    `control` is the same for the change that must not help; None where that was not measured.
    """

    stands: bool
    measured: Ratios | None
    sentence: str
    control: Ratios | None = None


def judge(
    remedy: Remedy | None,
    measured: Ratios | None,
    control: Control | None = None,
    unmoved: Ratios | None = None,
) -> Claim:
    """Compare the measured range of ratios with the prediction of a change.

    The claim stands if the two ranges overlap, the measured one excludes "no change", and the
    control did not help: its ratio is not sure to be more than `SOME_MORE`. Otherwise the claim is
    withdrawn. A cause without a remedy stands by its control alone.
    """
    moved, sentences = True, []
    if remedy and measured:
        moved = _as_predicted(remedy, measured)
        sentence = f"with {remedy.change}, capacity was {_range(measured)}"
        expected = _range(remedy.predicted)
        sentences.append(
            f"{sentence}, as predicted ({expected})"
            if moved
            else f"{sentence}, where {expected} was predicted"
        )
    helped = unmoved is not None and unmoved[0] > SOME_MORE
    if control and unmoved:
        expected = "although this should not help" if helped else "no more, as predicted"
        sentences.append(f"with {control.change}, it was {_range(unmoved)}: {expected}")
    stands = moved and not helped
    sentence = "; ".join(sentences)
    return Claim(stands, measured, sentence if stands else f"withdrawn: {sentence}", unmoved)


def _as_predicted(remedy: Remedy, measured: Ratios) -> bool:
    low, high = measured
    least, most = remedy.predicted
    overlaps = low <= most * (1 + TOLERANCE) and high >= least * (1 - TOLERANCE)
    return overlaps and (low > 1 if least > 1 else high < 1)


def _range(ratios: Ratios) -> str:
    low, high = ratios
    if high == math.inf:
        return f"at least {low:.2f} {TIMES}"
    return f"{low:.2f}{DASH}{high:.2f} {TIMES}"
