"""Temporary."""
from typing import NamedTuple
from statistics import median
class Interval(NamedTuple):
    held: float
    broke: float | None
    low: float
    high: float | None
def combine(b, seed=1):
    h=median(x[0] for x in b); br=[x[1] for x in b if x[1]]
    br=median(br) if br else None
    return Interval(h,br,h,br)
