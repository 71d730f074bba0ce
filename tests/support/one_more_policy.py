"""A server with one more policy, a class and a line: `python -m tests.support.one_more_policy`."""

import sys

from server.admission.policies import Policy
from server.tables import POLICIES


class Closed(Policy):
    """Admits no call at all."""

    slack = 3.0

    def limit(self, under_way: int, pace_s: float | None) -> float:
        return 0

    def why(self, under_way: int) -> str:
        return "this policy admits nothing"


if __name__ == "__main__":
    POLICIES["closed"] = "tests.support.one_more_policy:Closed"
    from server.lifecycle.serve import main  # the options read the table when they are imported

    sys.exit(main(sys.argv[1:]))
