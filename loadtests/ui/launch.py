"""Locust as our commands need it: `python -m loadtests.ui.launch` takes what `locust` takes.

It reads only our settings. Locust by itself also reads ~/.locust.conf, ./locust.conf and LOCUST_*:
settings for another service would end a run, make it wait for workers, or open its UI to the
network. And the workers of `--processes` end with their master.
"""

from __future__ import annotations

import os
from glob import escape
from pathlib import Path
from typing import Any

for name in [name for name in os.environ if name.startswith("LOCUST_")]:
    del os.environ[name]  # before Locust is imported, which looks at some of them

import gevent  # noqa: E402 - see above
from locust import argument_parser  # noqa: E402

from loadtests.system.child import tied  # noqa: E402

SETTINGS = Path(__file__).parents[2] / "pyproject.toml"


class Parser(argument_parser.LocustArgumentParser):
    """Reads the command line, and [tool.locust] in the checkout's pyproject.toml."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "default_config_files": [escape(str(SETTINGS))]})


def fork() -> int:
    """Fork a worker, which would otherwise outlive a killed master by a minute."""
    tie = tied()
    pid: int = gevent.os.fork()
    if not pid:
        tie()
    return pid


if __name__ == "__main__":
    argument_parser.LocustArgumentParser = Parser  # type: ignore[misc]  # which makes all parsers
    gevent.fork = fork  # by which Locust makes its workers, and nothing else
    from locust.main import main

    main()
