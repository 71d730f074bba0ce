"""Locust as our commands need it: `python -m loadtests.launch` takes what `locust` takes.

The workers of `--processes` end with their master.
"""

from __future__ import annotations

import gevent

from loadtests.orphans import tied


def fork() -> int:
    """Fork a worker, which by itself would go on for a minute when its master is killed."""
    tie = tied()
    pid: int = gevent.os.fork()
    if not pid:
        tie()
    return pid


if __name__ == "__main__":
    gevent.fork = fork  # by which Locust makes its workers, and nothing else
    from locust.main import main

    main()
