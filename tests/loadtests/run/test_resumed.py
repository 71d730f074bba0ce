"""A run that was killed goes on where its file ends, and predicts before it searches."""

from tests.support.resumed_run import MODELS, Survived


def test_a_killed_run_goes_on_with_what_it_lacks(survived: Survived) -> None:
    kinds = [line["line"] for line in survived.lines]
    assert (kinds.count("run"), kinds.count("resumed"), kinds.count("end")) == (1, 1, 1)
    cells = [line["model"] for line in survived.lines if line["line"] == "cell"]
    assert sorted(cells) == sorted(MODELS)
    begun_after = kinds.index("resumed")
    again = [line["model"] for line in survived.lines[begun_after:] if line["line"] == "cell-start"]
    assert again == cells[1:]
    assert "resumed: 1 of 3 searches done before" in survived.ended.out


def test_each_search_is_preceded_by_its_prediction(survived: Survived) -> None:
    for model in ("inline", "process-pool"):
        kinds = [line["line"] for line in survived.lines if line.get("model") == model]
        assert kinds.index("prediction") < kinds.index("trial")
        cell = survived.cell(model)
        assert cell["ceiling"] > 0
        assert cell["predicted"] > 0
        assert cell["score"] > 0
        assert 0 < cell["efficiency"] < 1.5
        assert cell["cause_evidence"]["sentence"]
    assert survived.ended.out.count("predicted") >= 2
