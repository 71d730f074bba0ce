"""How our commands read their words: what is wrong in one sentence, and the next thing to do."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn, TypeVar

from loadtests.wording import unknown

Read = TypeVar("Read")
# What argparse says of a wrong choice; which quotes it takes depends on the version of Python.
CHOICE = re.compile(r"invalid choice: '?(?P<given>.*?)'? \(.*?choose from (?P<known>.*)\)")


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and shows no page of usage before the one line that matters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Read them; each command names itself the words that it does not know."""
        parsed, left = super().parse_known_args(args, namespace)
        if left:
            self.error(self._unknown(left))
        return parsed, left

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        if wrong := CHOICE.search(message):
            known = re.findall(r"[\w-]+", wrong["known"])
            message = f"{message[: wrong.start()]}{unknown('', wrong['given'], known)}"
        self.exit(2, f"{self.prog}: error: {message}\nAll that it takes: {self.prog} --help\n")

    def _unknown(self, left: Sequence[str]) -> str:
        """Say what is wrong with words that nothing takes: an option, or one word too many."""
        options = [word.partition("=")[0] for word in left if word.startswith("-")]
        if not options:
            return f"{left[0]!r} is one word too many; lists are written with commas: a,b"
        flags = [flag for flag in self._option_string_actions if flag.startswith("--")]
        return unknown("option", options[0], flags, several=False)


def checked(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """Let argparse show the reason of a ValueError, not only that there was one."""

    def parse(text: str) -> Read:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def among(what: str, known: Collection[str]) -> Callable[[str], str]:
    """Read one of these names."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(unknown(what, text, known))
        return text

    return checked(read)


def whole(what: str, least: int, most: int) -> Callable[[str], int]:
    """Read a whole number within bounds."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"-?\d{1,18}", text) else None
        if number is None or not least <= number <= most:
            raise ValueError(f"{text!r} is no {what}; give {least} to {most}")
        return number

    return checked(read)


def add_generators(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generators", type=whole("number of processes", 1, MOST), default=1,
        metavar="N",
        help="processes that offer the load (default: 1)")  # fmt: skip


MOST = 64
