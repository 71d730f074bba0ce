"""Random numbers differ between processes that are forked from one another.

Python reseeds its own generator in each forked process, but numpy does not: all workers that are
forked after a workload's module has imported numpy would draw the same numbers. Numpy is not
imported for this. Standard library only, because workers import this.
"""

import os
import sys


def reseed_in_forks() -> None:
    os.register_at_fork(after_in_child=_reseed)


def _reseed() -> None:
    if numbers := sys.modules.get("numpy.random"):
        numbers.seed()
