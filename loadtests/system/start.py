"""How a command begins and ends; imported first, as Ctrl-C may come while the rest is loaded."""

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
    """Have streams to write to, and Ctrl-C end the program at once, as nothing is under way."""
    open_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, _leave)


def carry_out(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command and end with its exit code; nothing that happens meanwhile is a traceback."""
    code: object
    try:
        if signal.getsignal(signal.SIGINT) is _leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main(sys.argv[1:])
    except SystemExit as error:  # of the parser
        code = error.code
    except KeyboardInterrupt as error:
        tell(f"{error}" or "stopped")
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends already
    if failed := close_streams():
        tell(failed)
        code = code or UNWRITTEN
    sys.exit(code)


def _leave(*_: object) -> None:
    """End without an exception, which a callback of the importing machinery would swallow."""
    tell("stopped")
    os._exit(INTERRUPTED)
