"""What a run file holds already, and whether the run that is requested now can go on with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.errors import RunFileError
from loadtests.run.beyond.kinds import chosen_kinds
from loadtests.run.file.lines import Line
from loadtests.run.file.run_file import FILE_NAME, SCHEMA, Tail
from loadtests.run.flags import same
from loadtests.run.options import Options, flagged, request_of
from loadtests.run.survival.agenda import Agenda
from loadtests.run.survival.played import Played
from loadtests.system.program import script

ANOTHER = "name another folder with --output"
RULES = {name: flag.resumes for name, _, flag in flagged(Options)}
WITHOUT = "without"


class History:
    """The run in a folder, if there is one: how it was begun, its jobs and rounds, its last moment.

    `begun` is its first line, with what was added to the run since. Raises RunFileError for a run
    that cannot be resumed.
    """

    def __init__(self, folder: Path) -> None:
        lines = Tail(folder / FILE_NAME).read()
        first = lines[0] if lines else None
        if first and not (
            first["line"] == "run" and first.get("schema") == SCHEMA and "cells" in first
        ):
            raise RunFileError(f"{folder} holds a run already that cannot be resumed; {ANOTHER}")
        self.begun: dict[str, Any] = {}
        self.agenda = Agenda()
        self.played: dict[str, Played] = {}  # by workload
        for line in lines:
            try:
                self.update(line)
            except (LookupError, TypeError, ValueError, AttributeError):
                raise RunFileError(
                    f"{folder} holds a run of another version, which cannot be resumed; {ANOTHER}"
                ) from None
            if line["line"] in {"run", "resumed"}:
                self.begun |= line
        self.at = max((line.get("at") or 0.0 for line in lines), default=0.0)
        self._folder = folder

    def update(self, line: Line) -> None:
        """Take in the next line of the run."""
        self.agenda.update(line)
        if line["line"] in {"prediction", "trial", "cell"}:
            self.played.setdefault(line["workload"], Played()).update(line)

    def check(self, request: Line) -> None:
        """Raise RunFileError where the run that is requested is not the one that was begun."""
        if self.begun and (names := list(different(self.begun, request))):
            raise RunFileError(
                f"{self._folder} holds a run that was begun with {', '.join(names)}; "
                f"repeat its command to go on with it, or {ANOTHER}"
            )


def resumable(folder: Path, request: Line) -> None:
    """Raise RunFileError where the run in a folder is another one, or is complete."""
    history = History(folder)
    history.check(request)
    agenda = history.agenda
    agenda.update({"line": "resumed", **request})
    if agenda.plan and agenda.complete:
        raise RunFileError(
            f"{folder} holds a complete run already; {ANOTHER}, show it ("
            f"{script('report')} {folder}), or add to it: --prove, --beyond"
        )


def different(begun: Line, now: Line) -> Iterator[str]:
    """Name the options of a run that differ from those requested now, which may ask for more.

    Both are first lines of run files. More of the same is not another run: a proof, further
    trials beyond the capacity.
    """
    if "cells" in now and begun.get("cells") != now["cells"]:
        yield "other cells"
    before, after = _words(begun), _words(now)
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if not RULES.get(name, same)(old, new):
            yield _difference(name, old, new)


def _words(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of each option, with those that the mode implies."""
    line = request_of(line)
    words = dict(line.get("arguments") or {})
    kinds = chosen_kinds(words.get("beyond") or (), str(line["mode"]))
    return {
        **{name: line.get(name) for name in ("slo", "mode", "seed")},
        **words,
        "prove": bool(words.get("prove")),
        "beyond": [f"{kind}={seconds:g}s" for kind, seconds in kinds.items()],
    }


def _difference(name: str, old: Any, new: Any) -> str:
    flag = f"--{name.replace('_', '-')}"
    if name == "mode":
        return f"--{old} (now --{new})"
    if name == "prove":
        return f"{flag} (now {WITHOUT})"
    if name == "beyond":  # only what is lacking
        old = [word for word in old if word not in new]
        kinds = {word.partition("=")[0] for word in old}
        new = [word for word in new if word.partition("=")[0] in kinds]
    return f"{flag} {_text(old)} (now {_text(new)})" if old else f"no {flag} (now {_text(new)})"


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or WITHOUT
    return WITHOUT if value in {None, ""} else str(value)
