"""How a command begins and ends; imported first, as Ctrl-C may come while the rest loads."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from loadtests.system.streams import close_streams, open_streams, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

INTERRUPTED = 130
UNWRITTEN = 2


def begin() -> None:
    """Open the standard streams, and let Ctrl-C end the program at once: nothing is under way."""
    open_streams()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)


def carry_out(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command and end with its exit code, without a traceback at Ctrl-C."""
    code: object
    try:
        if signal.getsignal(signal.SIGINT) is _leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main(sys.argv[1:])
    except SystemExit as error:  # from the parser
        code = error.code
    except KeyboardInterrupt as error:
        tell(f"{error}" or "stopped")
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ending already
    if failed := close_streams():
        tell(failed)
        code = code or UNWRITTEN
    sys.exit(code)


def _leave(*_: object) -> None:
    """End without an exception, which a callback of the import system would swallow."""
    tell("stopped")
    os._exit(INTERRUPTED)
