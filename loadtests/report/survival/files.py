"""The files of a finished survival run beside its run file, and what a terminal shows."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rich.console import RenderableType

from loadtests.report.gallery import Gallery
from loadtests.report.summary import summarize
from loadtests.report.survival.figures import capacity_svg, surge_svg
from loadtests.report.survival.html import html
from loadtests.report.survival.json import as_json
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.surge import lanes_of
from loadtests.report.survival.terminal import REPORT, final, svg
from loadtests.run.file.fold import read


class SurvivalReport:
    def __init__(self, folder: Path, *, verbose: bool = False) -> None:
        self._folder, self._verbose = folder, verbose
        self._run = read(folder)
        self.summary = summarize(self._run)

    def texts(self) -> dict[str, str]:
        """Return the files for other programs, and for people without a browser."""
        text = json.dumps(as_json(self.summary), indent=2, ensure_ascii=False)
        return {"summary.json": text + "\n", "summary.md": markdown(self.summary)}

    def shown(self) -> RenderableType:
        return final(self.summary, self._folder, verbose=self._verbose)

    def pictures(self, gallery: Gallery) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the name of each picture and what draws it; the page comes last."""
        yield "survival.svg", partial(svg, self.summary)
        yield "capacity.svg", partial(capacity_svg, self.summary)
        if lanes_of(self.summary):
            yield "surge.svg", partial(surge_svg, self.summary)
        yield REPORT, partial(html, self._run, self.summary, gallery)
