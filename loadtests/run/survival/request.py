"""Compare what a run was begun with and what is asked for now: the same, more of it, or another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loadtests.run.beyond.kinds import chosen_kinds
from loadtests.run.options import Options, flagged, request_of, same

RULES = {name: flag.resumes for name, _, flag in flagged(Options)}
WITHOUT = "without"


def different(begun: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Name the options of a run that is begun which those asked for now are not, nor more of.

    Both are first lines of run files. More of the same is not another run: further searches, a
    proof, further trials beyond the capacity.
    """
    if "cells" in now and begun.get("cells") != now["cells"]:
        yield "other cells"
    before, after = _words(begun), _words(now)
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if not _resumes(name, old, new):
            yield _difference(name, old, new)


def _words(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of each option, with those that the mode implies."""
    line = request_of(line)
    words = dict(line.get("arguments") or {})
    kinds = chosen_kinds(words.get("beyond") or (), str(line["mode"]))
    return {
        **{name: line.get(name) for name in ("slo", "mode", "seed")},
        **words,
        "searches": int(line.get("searches", 1)),
        "prove": bool(words.get("prove")),
        "beyond": [f"{kind}={seconds:g}s" for kind, seconds in kinds.items()],
    }


def _resumes(name: str, old: Any, new: Any) -> bool:
    return RULES.get(name, same)(old, new)


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
