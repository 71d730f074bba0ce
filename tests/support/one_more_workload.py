"""One more workload: a function."""

from typing import Annotated

from annotated_types import Interval, doc

from server.workloads import workload


@workload(kind="cpu")
def double(number: Annotated[int, Interval(ge=0, le=9), doc("What is doubled.")] = 4) -> int:
    """Double a number."""
    return 2 * number
