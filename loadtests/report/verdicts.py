"""The answer for each workload: use this row, because of that, this sure, change that next.

How many times as much one row sustains as another is known from trials of the same rounds only: it
is never the quotient of two capacities. At the limit of the generator the least that it can be is
known, from the upper end of the other's interval.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from loadtests.capacity.estimate import Range
from loadtests.cell import Cell, Variation
from loadtests.report import sizes
from loadtests.report.fitting import Parts, cuts
from loadtests.report.next_steps import next_steps
from loadtests.report.wording import (
    cause_sentence,
    interval_text,
    ratio_text,
    shortened,
    under,
)
from loadtests.run.choice import NOTABLE, Choice, Lacks, choose, ranked, tied
from loadtests.run.file.cells import CellResult, Standing
from loadtests.run.options import BASELINE, hyphenated
from loadtests.slo import Slo
from loadtests.wording import listing, rate_text

WORDS = 60  # the most of an answer: more is not read


@dataclass(frozen=True, slots=True)
class WorkloadVerdict:
    """Which row to use for a workload; `ties` are all that may be the best.

    `pick` is None if no row sustains any load, and `sentence` says why. `beaten` is the best row
    that sustains significantly less, and `ratio` how many times as much the pick sustains, where
    that is known; `more` is the same beside `baseline`, the row that people have. Both have no
    upper end where the generator was the limit. The parts of the answer are how much the pick
    sustains (`rate`), `why`, what to do `next`, and how `sure` it is; `sentence` is all of them in
    at most `WORDS` words. `decided_by` is what singled the pick out among its ties, `unfit` are
    rows that lack a promise that is needed, `unfinished` those without a result. `about` has the
    parameters of the workload. `variants` compares the rows of each model, if there were several.
    """

    workload: str
    pick: str | None
    sentence: str
    ties: tuple[str, ...] = ()
    ratio: Range | None = None
    beaten: str | None = None
    baseline: str | None = None
    more: Range | None = None
    rate: str = ""
    why: str = ""
    next: str = ""
    sure: str = ""
    decided_by: str = ""
    unfit: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    about: str = ""
    variants: tuple[str, ...] = ()


def judge_workload(  # noqa: PLR0913 - the results, and what the user said of each workload
    workload: str,
    results: Iterable[CellResult],
    standing: Standing | None,
    slo: Slo,
    *,
    baseline: str = BASELINE,
    lacks: Lacks | None = None,
    about: str = "",
    variations: Mapping[str, Variation] | None = None,
) -> WorkloadVerdict:
    """Compare the rows of one workload that have a result; see `choose` for what users want."""
    cells = list(results)
    standing = standing or Standing(workload)
    choice = choose(workload, cells, standing, baseline, lacks)
    order = ranked(cells)
    name = f"`{workload}`" + (f" ({about})" if about else "")
    unfinished = _rows(cell for cell in cells if not (cell.measured or cell.unavailable))
    open_ = f"unfinished: {shortened(unfinished)}" if unfinished else ""
    if choice.pick is None:
        return WorkloadVerdict(
            workload,
            None,
            _none(name, cells, choice, open_, slo),
            next=next(iter(next_steps(order[0]) if order else ()), ""),
            unfit=tuple(choice.unfit),
            unfinished=unfinished,
            about=about,
        )
    pick, beaten, have = choice.pick, choice.beaten, choice.baseline
    rate, why = _rate(pick), _why(choice, order)
    steps, sure = _steps(pick, beaten), _sure(choice, order, standing)
    others = [have, beaten if beaten is not have else None]
    ties = _rows(choice.ties)
    compared = [_compared(standing, pick, cell) for cell in others if cell and cell.row not in ties]
    use = "" if len(order) == 1 else "use "
    heads = [
        f"{label} → {use}{pick.row}: {', '.join([rate, *listed])}"
        for label in dict.fromkeys((name, f"`{workload}`"))
        for listed in ([listing(compared)] if compared else [], compared[:1], [])
    ]
    return WorkloadVerdict(
        workload,
        pick.row,
        _fitted(heads, [*cuts(why), ""], [*steps, ""], [*sure, ""], [open_, ""]),
        ties,
        _known(standing, pick, beaten) if beaten else None,
        beaten.row if beaten else None,
        have.row if have else None,
        _known(standing, pick, have) if have and have is not pick else None,
        rate,
        why,
        next(iter(steps), ""),
        sure[0] if sure else "",
        choice.decided_by,
        tuple(choice.unfit),
        unfinished,
        about,
        tuple(_variants(workload, order, standing, variations or {})),
    )


def sentences(verdicts: Iterable[WorkloadVerdict]) -> Iterator[str]:
    """Yield all sentences; workloads that lack a result share one, at the end."""
    missing = []
    for verdict in verdicts:
        if verdict.sentence == _no_result(f"`{verdict.workload}`"):
            missing.append(f"`{verdict.workload}`")
        else:
            yield from (verdict.sentence, *verdict.variants)
    if missing:
        yield _no_result(listing(missing))


def leaders(results: Iterable[CellResult], standings: Mapping[str, Standing]) -> set[Cell]:
    """Return the best cell of each workload and those tied with it, if rows compete."""
    columns: dict[str, list[CellResult]] = {}
    for result in ranked(results):
        columns.setdefault(result.workload, []).append(result)
    return {
        cell.cell
        for name, column in columns.items()
        if len(column) > 1
        for cell in tied(column, standings.get(name) or Standing(name))
    }


def _fitted(*forms: Sequence[str]) -> str:
    """Make sentences of at most `WORDS` words in all.

    The second part gives way first, which has details, then those after it, and at last the first.
    """
    parts = Parts(forms, [*range(1, len(forms)), 0])
    return parts.fitted(lambda text: len(text.split()) <= WORDS)


def _rows(cells: Iterable[CellResult]) -> tuple[str, ...]:
    return tuple(cell.row for cell in cells)


def _known(standing: Standing, cell: CellResult, other: CellResult) -> Range | None:
    """Return a ratio with an interval; its upper end is infinite at the generator's limit."""
    ratio = standing.ratio(cell.row, other.row)
    if ratio and ratio.low > 0 and isfinite(ratio.high):
        return ratio
    if cell.unbounded and other.sustained and isfinite(other.high):
        least = cell.sustained / other.high
        return Range(least, least, inf) if least >= NOTABLE else None
    return None


def _rate(cell: CellResult) -> str:
    rate = interval_text(cell).replace("≥", "at least")
    return f"{rate} req/s" + (" (the generator's limit)" if cell.unbounded else "")


def _compared(standing: Standing, pick: CellResult, cell: CellResult) -> str:
    """Say how many times as much as another row; its capacity alone where that is not known."""
    if not cell.sustained:
        return f"{cell.row} sustains none"
    ratio = _known(standing, pick, cell)
    return f"{ratio_text(ratio)} {cell.row}" if ratio else f"{cell.row} {interval_text(cell)}"


def _why(choice: Choice, order: Sequence[CellResult]) -> str:
    """Say what limits the best row that was beaten, else the baseline; of one row, what limits it.

    Rows that tie share what limits them.
    """
    losers = [cell for cell in (choice.beaten, choice.baseline) if cell and cell is not choice.pick]
    losers += [cell for cell in reversed(order) if not cell.sustained]
    for cell in losers:
        if cause := cause_sentence(cell):
            return f"under {cell.row}, {cause}"
    if choice.pick is None or choice.pick.unbounded or losers:
        return ""
    cause = _shared_cause(choice.ties)
    above = "" if len(choice.ties) > 1 else f"above {rate_text(choice.pick.high)} req/s, "
    return f"{above or 'at higher rates, '}{cause}" if cause else ""


def _steps(pick: CellResult, beaten: CellResult | None) -> list[str]:
    """Say what to do next; of a coroutine, which needs a driver of its own, what to use instead."""
    if pick.model != "async" or beaten is None or beaten.model == "inline":
        return next_steps(pick)
    instead = f"if your driver blocks, use {beaten.row}"
    return [*(f"{instead}; {step}" for step in next_steps(beaten)), instead]


def _sure(choice: Choice, order: Sequence[CellResult], standing: Standing) -> list[str]:
    """Say what is sure and what decided a tie; then the same in fewer words."""
    pick = choice.pick
    if len(order) == 1 or pick is None:
        return []
    clauses = []
    if others := _rows(choice.ties[1:]):
        clauses.append(f"ties with {shortened(others)}, {_decided(choice)}")
    tied_rows = {*_rows(choice.ties), *choice.unfit}
    rest = [cell for cell in order if cell.row not in tied_rows]
    less = [
        cell.row
        for cell in rest
        if pick.unbounded or not cell.sustained or standing.more(pick.row, cell.row)
    ]
    if less:
        every = len(less) == len(rest) > 1
        clauses.append(f"sure that it beats {'the others' if every else shortened(less)}")
    if choice.unfit:
        reason = next(iter(choice.unfit.values()))
        clauses.insert(0, f"{_unfit(choice)}: {reason}")
    short = [_unfit(choice)] if choice.unfit else clauses[:1]
    return ["; ".join(clauses), "; ".join([*short, *clauses[1:]]), *short] if clauses else []


def _unfit(choice: Choice) -> str:
    verb = "does" if len(choice.unfit) == 1 else "do"
    return f"{shortened([*choice.unfit])} {verb} not keep {listing(_needed(choice))}"


def _needed(choice: Choice) -> list[str]:
    return [hyphenated(name) for name in choice.broken]


def _decided(choice: Choice) -> str:
    """Say by which figures the pick was preferred to those that tie with it."""
    pick, others = choice.ties[0], choice.ties[1:]
    more = " or more" if len(others) > 1 else ""
    match choice.decided_by:
        case "CPU per request":
            own, least = pick.cpu_ms_per_request, min(c.cpu_ms_per_request or inf for c in others)
            return f"but takes {own:.2g} ms of CPU per request instead of {least:.2g}{more}"
        case "memory":
            own, least = pick.pss_mib, min(cell.pss_mib or inf for cell in others)
            return f"but takes {own:.0f} MiB of memory instead of {least:.0f}{more}"
        case "":
            return "and costs the same"
        case rule:
            return f"but has {rule}"


def _none(name: str, cells: Sequence[CellResult], choice: Choice, unfinished: str, slo: Slo) -> str:
    """Say why none of the rows can be used, and what to change."""
    order = ranked(cells)
    if not order:
        return _nothing(choice.workload, cells)
    if choice.unfit:
        why = next(iter(choice.unfit.values()))
        return _fitted([f"{name}: no row to use: {_unfit(choice)}"], [why, ""])
    rows = f"{shortened(_rows(order))} {'sustains' if len(order) == 1 else 'sustain'} no"
    if len(order) > 1 and not unfinished:
        rows = "no row sustains any"
    rates = [cell.high for cell in order if cell.high]
    at = f": even {rate_text(max(rates))} req/s is too much" if rates else ""
    cause = _shared_cause(order)
    head = f"{name}: {rows} load at {slo}{at}"
    heads = [f"{head} ({form})" for form in cuts(cause) if form]
    steps = next_steps(order[0]) or [f"relax --slo (now {slo}), or make the work faster"]
    return _fitted([*heads, head], [*steps, ""], [unfinished, ""])


def _nothing(workload: str, cells: Sequence[CellResult]) -> str:
    reasons = {cell.unavailable for cell in cells}
    if None in reasons or not cells:
        return _no_result(f"`{workload}`")
    why = f": {reasons.pop()}" if len(reasons) == 1 else ""
    head = f"`{workload}`: none of the requested models is available"
    return _fitted([f"{head}{why}", head])


def _no_result(workloads: str) -> str:
    return f"{workloads}: no result in this run."


def _shared_cause(cells: Iterable[CellResult]) -> str:
    causes = {cause_sentence(cell) for cell in cells}
    return causes.pop() if len(causes) == 1 else ""


def _variants(
    workload: str,
    ranked: Sequence[CellResult],
    standing: Standing,
    variations: Mapping[str, Variation],
) -> Iterator[str]:
    """Compare each model's best variant with those that sustain significantly less.

    Of models in several sizes, say which is enough.
    """
    sized = list(sizes.sentences(workload, ranked, variations, standing))
    yield from (sentence for _, sentence in sized)
    plain = {cell.model for cell in ranked if not cell.variant}  # a row more, which nobody named
    models = dict.fromkeys(cell.model for cell in ranked)
    for model in (model for model in models if model not in {*dict(sized), *plain}):
        best, *others = (cell for cell in ranked if cell.model == model)
        ratios = {
            under(cell.variant): ratio
            for cell in others
            if (ratio := _known(standing, best, cell)) and ratio.low > 1
        }
        none = [under(cell.variant) for cell in others if not cell.sustained]
        clauses = [
            f"{ratio_text(ratio)} as much {'' if number else f'{under(best.variant)} '}as {less}"
            for number, (less, ratio) in enumerate(ratios.items())
        ]
        if none and best.sustained:
            clauses.append(
                f"{'' if clauses else f'load {under(best.variant)}, '}none {listing(none)}"
            )
        if clauses:
            yield f"`{workload}`: {model} sustains {', '.join(clauses)}."
