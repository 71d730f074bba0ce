"""Read the arguments of our commands; an error is one sentence with what to do about it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from math import inf
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from loadtests.run.flags import Flag, names, number
from loadtests.wording import unknown

Value = TypeVar("Value")
# argparse's message for a wrong choice; its quotes depend on the version of Python.
CHOICE = re.compile(r"invalid choice: '?(?P<given>.*?)'? \(.*?choose from (?P<known>.*)\)")
CLOSE = 0.75  # likeness without dashes: a letter too many or too few, but no other word


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and shows no page of usage before the one line that matters.

    `elsewhere` answers options that people know from other programs, and that this one lacks.
    """

    elsewhere: Mapping[str, str] = MappingProxyType({})

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse; each command reports its own empty and unknown arguments."""
        if not self._subparsers:  # it is a command
            self._check_empty(args or ())
        parsed, left = super().parse_known_args(args, namespace)
        if left:
            self.error(self._unknown(left))
        return parsed, left

    def _check_empty(self, words: Sequence[str]) -> None:
        """Refuse the value of a variable that is not set: it would stand for a default, or `.`."""
        for before, word in pairwise(("", *words)):
            option, equals, value = word.partition("=")
            if not (value if equals and option.startswith("--") else word).strip():
                option = option.strip() or (before if before.startswith("-") else "")
                self.error(f"{f'argument {option}' if option else 'an argument'} is empty")

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        if wrong := CHOICE.search(message):
            known = re.findall(r"[\w-]+", wrong["known"])
            message = f"{message[: wrong.start()]}{unknown('value', wrong['given'], known)}"
        self.exit(2, f"{self.prog}: error: {message}\nFor all options: {self.prog} --help\n")

    def _unknown(self, left: Sequence[str]) -> str:
        options = [word.partition("=")[0] for word in left if word.startswith("-")]
        if not options:
            return f"unexpected argument {left[0]!r} (separate list items with commas: a,b)"
        given = options[0]
        if given in self.elsewhere:
            return f"unknown option {given!r}: {self.elsewhere[given]}"
        flags = (flag for flag in self._option_string_actions if flag.startswith("--"))
        near = max((_likeness(given, flag), flag) for flag in flags)
        meant = f"; did you mean {near[1]!r}?" if near[0] >= CLOSE else ""
        return f"unknown option {given!r}{meant}"


def _likeness(given: str, flag: str) -> float:
    """Compare the words of two options; a part of an option is an unfinished one."""
    words, known = given.strip("-"), flag.strip("-")
    if len(words) > 1 and words in known:
        return 1.0
    return SequenceMatcher(None, words, known).ratio()


class Reading(argparse.Action):
    """Stores the value of an option, as the flag of its field reads it."""

    def __init__(self, *, flag: Flag, **options: Any) -> None:
        super().__init__(**options)
        self._flag = flag
        self._words: list[str] = []

    def __call__(
        self, parser: object, namespace: object, words: Any, option: object = None
    ) -> None:
        self._words = [*self._words, words] if self._flag.repeated else [words]
        try:
            value = self._flag.read(self._words if self._flag.repeated else words)
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from None
        setattr(namespace, self.dest, value)


def checked(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Make argparse show the message of a ValueError."""

    def parse(text: str) -> Value:
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
    return checked(number(what, "", int, least, most))


def rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < inf:
        raise ValueError(f"invalid rate {text!r}: expected requests per second, e.g. 250")
    return value


def hosts(text: str) -> tuple[str, ...]:
    listed = names(text)
    for name in listed:
        if not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(f"invalid host name {name!r}: expected e.g. bench.lan")
    return listed


def tolerance(text: str) -> float:
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise ValueError(f"invalid tolerance {text!r}: expected a share, e.g. 10%")
    return share
