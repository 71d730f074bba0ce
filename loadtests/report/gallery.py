"""The pictures of a report, drawn one after the other: if one fails, the others remain."""

import signal
from collections.abc import Callable
from typing import TypeVar

from loadtests.report.wording import shortened

Drawn = TypeVar("Drawn")
Instead = TypeVar("Instead")
STOPPED = "stopped by Ctrl-C"


class Gallery:
    """Keeps the reason for each picture that is missing; once `stopped`, nothing more is drawn."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self.stopped = False

    def attempt(
        self, name: str, draw: Callable[[], Drawn], instead: Instead, *, stopped: bool = False
    ) -> Drawn | Instead:
        """Draw a picture; if that fails, note why and return what to show `instead`.

        After a Ctrl-C only pictures with `stopped` are drawn.
        """
        if self.stopped and not stopped:
            self.missing[name] = STOPPED
            return instead
        try:
            return draw()
        except Exception as error:  # noqa: BLE001 - a report without it is still a report
            self.missing[name] = reason(error)
            return instead

    def stop(self, number: int, _: object) -> None:
        """Handle a signal: draw no more, and let the next one raise KeyboardInterrupt.

        The first one does not raise, so that the page is written with what there is.
        """
        self.stopped = True
        signal.signal(number, signal.default_int_handler)

    @property
    def complaints(self) -> list[str]:
        names: dict[str, list[str]] = {}
        for name, why in self.missing.items():
            names.setdefault(why, []).append(name)
        return [f"not drawn: {shortened(missing)} ({why})" for why, missing in names.items()]


def reason(error: Exception) -> str:
    message = error.strerror if isinstance(error, OSError) else f"{error}"
    return " ".join((message or type(error).__name__).split())
