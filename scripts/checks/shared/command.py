"""What the commands in scripts/ share: their parser, and how they report results and progress."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from loadtests.commands.words import Parser
from loadtests.durations import rounded_duration


def script_parser(name: str, description: str | None) -> Parser:
    """Make the parser of `scripts/NAME`, whose help has a line of purpose and an example."""
    return Parser(
        prog=f"scripts/{name}",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - printing is its purpose


def steps(
    names: Sequence[str],
    report: Callable[[str], object] = lambda line: print(line, file=sys.stderr),  # noqa: T201 - likewise
    clock: Callable[[], float] = monotonic,
) -> Iterator[str]:
    """Yield one name after the other, and report the time left, judged by the steps so far."""
    begun = clock()
    for done, name in enumerate(names):
        step_s = (clock() - begun) / done if done else None
        left = f", about {rounded_duration(step_s * (len(names) - done))} left" if step_s else ""
        report(f"{name} ({done + 1} of {len(names)}{left})")
        yield name
