"""The pictures of a report, drawn one after the other: one that fails costs none of the others."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Self, TypeVar

from loadtests.report.charts.converter import Converter
from loadtests.wording import listing

Drawn = TypeVar("Drawn")
Instead = TypeVar("Instead")
NAMED = 3  # of many pictures with one and the same reason
STOPPED = "stopped by Ctrl-C"


class Gallery:
    """Keeps the reason for each picture that is missing; once `stopped`, nothing more is drawn."""

    def __init__(self) -> None:
        self.converter = Converter()
        self.missing: dict[str, str] = {}
        self.stopped = False

    def attempt(
        self, name: str, draw: Callable[[], Drawn], instead: Instead, *, stopped: bool = False
    ) -> Drawn | Instead:
        """Draw a picture; where that fails, note why, and return what to show in its place.

        After a Ctrl-C only what is to be drawn though `stopped` is tried.
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
        """Handle a signal: draw no more; the next one raises KeyboardInterrupt.

        The first must not, as Altair is being loaded perhaps, where exceptions may get lost.
        """
        self.stopped = True
        signal.signal(number, signal.default_int_handler)

    @property
    def complaints(self) -> list[str]:
        """Name what is missing, in a sentence for each reason."""
        names: dict[str, list[str]] = {}
        for name, why in self.missing.items():
            names.setdefault(why, []).append(name)
        return [f"not drawn: {_named(those)} ({why})" for why, those in names.items()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.converter.close()


def reason(error: Exception) -> str:
    """Say in a line what is wrong."""
    said = error.strerror if isinstance(error, OSError) else f"{error}"
    return " ".join((said or type(error).__name__).split())


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    return listing(names if more < 2 else [*names[:NAMED], f"{more} more"])
