"""One colour and one dash for each admission policy; names always stand beside them."""

from __future__ import annotations

from loadtests.report.colours import OTHER

# After Okabe and Ito, as the colours of the models.
STYLES: dict[str, tuple[str, list[int]]] = {
    "unbounded": ("#D55E00", [1, 0]),
    "bounded": ("#2F8FD0", [8, 3]),
    "deadline": ("#009E73", [4, 2]),
    "lifo": ("#CC79A7", [2, 2]),
    "adaptive": ("#9A8F1F", [8, 2, 2, 2]),
}


def style_of(policy: str) -> tuple[str, list[int]]:
    """Return the colour, and the dash as lengths of ink and gap."""
    return STYLES.get(policy, (OTHER, [1, 0]))
