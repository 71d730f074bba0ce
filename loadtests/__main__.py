"""`python -m loadtests`: survival runs in the terminal, their reports, and comparisons."""

from __future__ import annotations

import signal

if (
    __name__ == "__main__"
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored
):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback helps nobody

from loadtests.system import start

if __name__ == "__main__":
    start.begin()  # before the rest is loaded, which takes a while

from importlib import import_module

from loadtests.commands.parser import parser
from loadtests.errors import MeasurementGone, RunFileError, ServiceError
from loadtests.system.streams import tell


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 done, 1 below --at-least, 2 usage, 3 no trustworthy result."""
    parsed = parser().parse_args(arguments)
    command = import_module(f"loadtests.commands.{parsed.command}")  # what draws takes long to load
    try:
        return int(command.run(parsed))
    except MeasurementGone as error:
        tell(error)
        return 3
    except (RunFileError, ServiceError) as error:
        tell(error)
        return 2
    except OSError as error:  # e.g. an --output that is not writable
        where = f"{error.filename}: " if error.filename else ""
        tell(f"{where}{error.strerror or error}")
        return 2


if __name__ == "__main__":
    start.carry_out(main)
