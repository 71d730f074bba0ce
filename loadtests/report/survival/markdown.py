"""A run as Markdown: for an issue, a review or a results page."""

import re
from collections.abc import Iterable, Iterator, Sequence

from loadtests.report.check import Check
from loadtests.report.summary import Summary
from loadtests.report.survival.loads import load_notes
from loadtests.report.survival.matrix import Entry, Grid, capacities, grid
from loadtests.report.survival.sections import filled
from loadtests.report.survival.setting import setting
from loadtests.report.trust import trust
from loadtests.report.wording import headline


def markdown(summary: Summary, checks: Sequence[Check] = ()) -> str:
    """Write the answers first, and before them what was checked, if anything."""
    parts = [
        f"# {headline(f'`{summary.slo}`')}",
        "**Checks**" if checks else "",
        _items(check.line for check in checks),
        "**Answers**" if checks else "",
        _items([*summary.sentences, *load_notes(summary)]),
        escaped(f"{setting(summary.environment)}; {summary.mode} run, started {summary.started}."),
        *_table(grid(capacities(summary)), "; small print: what ran out"),
        f"**Trust**: {' '.join(map(escaped, trust(summary)))}",
    ]
    for section, entries, notes in filled(summary):
        parts += [f"**{section.title}**: {section.caption}."]
        parts += [*_table(grid(entries, section.corner))] if entries else []
        parts += [_items(notes)]
    parts += [
        "**Warnings**" if summary.warnings else "",
        _items(summary.warnings),
        "Made with:",
        fenced(summary.command),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table_row(fields: Iterable[str]) -> str:
    return (
        "| " + " | ".join(field.replace("|", "\\|").replace("\n", " ") for field in fields) + " |"
    )


def plain(text: str) -> str:
    """Escape what looks like a tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped(sentence: str) -> str:
    """Escape what looks like a tag in a sentence, but not between backticks."""
    return re.sub("(`[^`]*`)|<(?=[A-Za-z/!?])", lambda part: part[1] or "&lt;", sentence)


def fenced(command: str) -> str:
    """Write a command as a block of code that nothing in it can end."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command)), default=0))
    return f"{fence}sh\n{command}\n{fence}"


def _items(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def _table(table: Grid, small_print: str = "") -> Iterator[str]:
    rows = [[table.corner, *map(plain, table.columns)], ["---"] * (len(table.columns) + 1)]
    rows += [[plain(line.row), *map(_shown, line.entries)] for line in table.lines]
    yield "\n".join(map(table_row, rows))
    if table.legend:
        yield f"{'; '.join(table.legend)}{small_print}."
    notes = [f"<sup>{number}</sup> {plain(note)}" for number, note in enumerate(table.notes, 1)]
    yield "\n".join(f"{note}<br>" for note in [*notes, *map(plain, table.folded)])


def _shown(entry: Entry | None) -> str:
    if entry is None:
        return ""
    figure = f"{entry.mark} {entry.figure}".strip()
    figure = f"**{figure}**" if entry.best else figure
    small = f"<br><sub>{plain(entry.small).replace(chr(10), '<br>')}</sub>" if entry.small else ""
    note = f"<sup>{entry.number}</sup>" if entry.number else ""
    return f"{figure}{note}{small}"
