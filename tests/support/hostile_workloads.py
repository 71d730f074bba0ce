"""Workloads whose every text is markup, a formula, or acts on a terminal, as are their failures."""

from typing import Annotated, Literal

from annotated_types import Interval, Unit, doc

from server.workloads.registry import workload

MARKUP = "</script><script>window.ran = 1</script><img src=x: onerror='window.ran = 1'>"
HOSTILE = f"=cmd()|{MARKUP}[red][/b]{{{{7*7}}}}`|\x1b]0;ran\x07\x1b[2J\u202e\u2028\"'\\"


class Odd(Exception):
    """Raised with such a text."""


@workload(kind="cpu")
def markup(
    times: Annotated[int, Interval(ge=1, le=9), Unit(HOSTILE), doc(HOSTILE)] = 1,
    letter: Annotated[Literal["a", "<b>"], doc(HOSTILE)] = "<b>",
) -> dict[str, str]:
    return {HOSTILE: f"{letter} {times * HOSTILE}"}


@workload(kind="io")
def fails() -> None:
    raise Odd(HOSTILE)


for function in (markup, fails):
    function.__doc__ = HOSTILE
