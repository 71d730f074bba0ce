"""Say as much as fits: each part of an answer has forms that get shorter, down to nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

CUTS = ("; ", " while ", ", ", " (")  # where a clause can end early
LEAD = ", "  # ends what a clause begins with, "under inline, ", which says nothing alone


@dataclass(frozen=True, slots=True)
class Parts:
    """The forms of each part in the order of reading, and the order in which parts give way."""

    forms: Sequence[Sequence[str]]
    give_way: Sequence[int]

    def fitted(self, fits: Callable[[str], bool]) -> str:
        """Join one form of each part: the longest ones that fit, else the shortest of all."""
        forms = [list(dict.fromkeys(part)) or [""] for part in self.forms]
        for part in self.give_way:
            while len(forms[part]) > 1 and not fits(joined(forms)):
                forms[part].pop(0)
        return joined(forms)


def joined(forms: Sequence[Sequence[str]]) -> str:
    """Make a sentence of the first form of each part."""
    sentences = (part[0].rstrip(".") for part in forms if part[0])
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in sentences)


def cuts(clause: str) -> list[str]:
    """Return a clause, and what is left of it if it ends early.

    Neither its first words alone are left, nor is a line of code left out.
    """
    forms = [clause]
    for mark in CUTS:
        while mark in forms[-1]:
            shorter, _, rest = forms[-1].rpartition(mark)
            in_brackets = shorter.count("(") != shorter.count(")")
            if "`" in rest or in_brackets or (mark == LEAD and LEAD not in shorter):
                break
            forms.append(shorter.rstrip(","))
    return forms
