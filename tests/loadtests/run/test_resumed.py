"""A run that was killed goes on where its file ends, and predicts before it measures."""

from loadtests.run.file.fold import read
from tests.support.resumed_run import MODELS, PLAYED, Survived


def test_a_killed_run_goes_on_with_what_it_lacks(survived: Survived) -> None:
    kinds = [line["line"] for line in survived.lines]
    assert (kinds.count("run"), kinds.count("resumed"), kinds.count("end")) == (1, 1, 1)
    begun = [line["rows"] for line in survived.lines if line["line"] == "workload-start"]
    rows = [survived.cell(model)["row"] for model in MODELS]
    assert begun[:2] == [rows, rows[:2]], "what is unavailable was known before"
    cells = [(at, line) for at, line in enumerate(survived.lines) if line["line"] == "cell"]
    before = [line["model"] for at, line in cells if at < survived.resumed_at]
    after = [line["model"] for at, line in cells if at > survived.resumed_at]
    assert (before, after[:2]) == ([MODELS[2]], [*MODELS[:2]])
    assert "resumed: 1 of 3 cells done before" in survived.ended.out


def test_its_rounds_are_counted_on_and_the_earlier_ones_are_used(survived: Survived) -> None:
    at = survived.resumed_at
    before, after = survived.lines[:at], survived.lines[at:]
    earlier = [line["round"] for line in before if line["line"] == "trial"]
    later = [line["round"] for line in after if line["line"] == "trial"]
    assert [min(earlier), max(earlier)] == [1, min(later) - 1]
    assert max(earlier) >= PLAYED
    assert later == sorted(later)
    for model in MODELS[:2]:
        cell = survived.cell(model)
        valid = survived.trials(model, valid=True)
        assert cell["rounds"] == len({trial["round"] for trial in valid})
        assert cell["trials"] == len(survived.trials(model))
        assert cell["discarded"] == cell["trials"] - len(valid)
    played = {line["round"] for line in before if line["line"] == "trial" and line["valid"]}
    first = next(line for line in after if line["line"] == "standing")
    since = {line["round"] for line in after[: after.index(first)] if line["line"] == "trial"}
    assert first["rounds"] == len(played) + len(since)


def test_all_is_measured_before_anything_beyond(survived: Survived) -> None:
    kinds = [line["line"] for line in survived.lines]
    first = kinds.index("beyond")
    measured = {"workload-start", "prediction", "trial", "standing", "cell"}
    assert not measured & {*kinds[first:]}
    assert kinds[-1] == "end"
    standing = read(survived.folder).standings["nap"]
    assert standing.rows.keys() == {survived.cell(model)["row"] for model in MODELS[:2]}
    last = max(at for at, kind in enumerate(kinds) if kind == "standing")
    assert last == first - 1, "it also holds the last trials"


def test_a_cell_is_preceded_by_its_prediction(survived: Survived) -> None:
    for model in MODELS[:2]:
        kinds = [line["line"] for line in survived.lines if line.get("model") == model]
        assert kinds.index("prediction") < kinds.index("trial")
        cell = survived.cell(model)
        assert cell["ceiling"] > 0
        assert cell["predicted"] > 0
        assert cell["score"] > 0
        assert 0 < cell["efficiency"] < 1.5
    failed = [survived.cell(model) for model in MODELS[:2] if survived.cell(model)["broke_by"]]
    assert failed
    assert all(cell["cause_evidence"]["sentence"] for cell in failed)
    assert survived.ended.out.count("predicted") >= 2
