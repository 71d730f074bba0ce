"""Hand what a command found to a CI server: JUnit XML, and what GitHub shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loadtests.errors import RunFileError
from loadtests.report.check import Check
from loadtests.report.github import append, step_summary, workflow_commands
from loadtests.report.junit import junit
from loadtests.system.files import put
from loadtests.system.streams import tell


@dataclass(frozen=True, slots=True)
class Gate:
    """The checks that decide the exit code, those that are only reported, and the whole report.

    The `properties` are of the run, and `started` is when it did.
    """

    command: str
    checks: Sequence[Check]
    others: Sequence[Check]
    markdown: str
    properties: Mapping[str, object]
    started: str

    def report(self, console: Console, file: Path | None) -> None:
        """Write the JUnit file, the summary of the step and annotations, as far as requested.

        Raises OSError if the file cannot be written.
        """
        for line in workflow_commands(self.checks):
            print(line, file=console.file, flush=True)
        if file:
            every = [*self.checks, *self.others]
            file.parent.mkdir(parents=True, exist_ok=True)
            put(file, junit(self.command, every, self.properties, self.started))
        if summary := step_summary():
            try:
                append(summary, self.markdown)
            except OSError as error:
                tell(f"GITHUB_STEP_SUMMARY: {summary}: {error.strerror or error}")


def check_file(file: Path | None) -> None:
    """Raise RunFileError if this cannot be the JUnit file: before anything is measured."""
    if file and file.is_dir():
        raise RunFileError(
            f"{file} is a folder; --junit takes a file, e.g. {file / 'loadbearing.xml'}"
        )
