"""How the server reads its command line: what is wrong in one sentence, and what was meant."""

from __future__ import annotations

import argparse
import sys
import tomllib
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

PROJECT = "loadbearing"


class Version(argparse.Action):
    """Prints the version of the checkout, or of what is installed, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        try:
            text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
            found = tomllib.loads(text)["project"]["version"]
        except (OSError, ValueError, LookupError):
            found = version(PROJECT)
        print(f"{PROJECT} {found}")  # noqa: T201 - this is its purpose
        parser.exit()


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and shows no page of usage before the one line that matters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Read them, or say which of them nothing takes."""
        parsed, left = super().parse_known_args(args, namespace)
        if left:
            self.error(self._unknown(next((w for w in left if w.startswith("-")), left[0])))
        return parsed, left

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"{self.prog}: error: {message}\nFor all options: {self.prog} --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Show "?" for a letter that the terminal does not know."""
        encoding = getattr(file or sys.stderr, "encoding", None) or "utf-8"
        super()._print_message(message.encode(encoding, "replace").decode(encoding), file)

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"unexpected argument {word!r} (separate list items with commas: a,b)"
        option = word.partition("=")[0]
        flags = [flag for flag in self._option_string_actions if flag.startswith("--")]
        close = get_close_matches(option, flags, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        return f"there is no option {option!r}{meant}"
