"""What a model file says of its training: scores, rows, columns in short; and nothing that it should not."""

import datetime
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors import safe_open

from tests.engine import make
from xltrain.config.settings import Column
from xltrain.data.outside import joined, outside, show
from xltrain.data.table import Table
from xltrain.engine.checkpoint import Model, load_model, save_model


def odd_table(rows: int = 60) -> Table:
    """Every type of column; the first rows have no target."""
    rng = np.random.default_rng(0)
    a = rng.normal(0, 1, rows)
    y = np.where(np.arange(rows) < 4, np.nan, 3 * a)
    a[:4] = 1e6  # no part of the training
    day = np.datetime64("2026-01-01") + np.arange(rows) % 40
    return make.table(
        {
            "a": a,
            "gaps": pa.array([None if at % 7 == 5 else float(at) for at in range(rows)]),
            "day": pa.array(day.astype("datetime64[s]")),
            "kind": [["u", "v"][at % 2] for at in range(rows)],
            "flag": [at % 3 == 0 for at in range(rows)],
            "said": [f"Mrs Smith of room {at}" for at in range(rows)],
            "y": y,
        }
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    from dataclasses import replace

    from tests.calls import parse_call

    asked = make.job()
    asked = replace(
        asked, columns=(*asked.columns, Column("said", "feature", "text", parse_call("encoders", "text(16)")))
    )
    data = odd_table()
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    save_model(path, make.train(data, asked).models["y"])
    return load_model(path)


def test_columns_are_told_as_their_training_rows_were(model: Model) -> None:
    basis = model.basis
    assert basis is not None
    assert basis.rows == 56
    assert basis.when == datetime.datetime.now(datetime.UTC).date().isoformat()
    assert basis.scores.keys() >= {"rmse", "mae"}
    assert basis.baselines.keys() >= {"constant", "linear"}
    columns = basis.columns
    assert columns["a"].high is not None
    assert columns["a"].high < 10
    assert columns["gaps"].missing > 0
    assert show(columns["day"].low or 0, True) == "2026-01-01"
    assert show(columns["day"].high or 0, True) == "2026-02-09"
    assert columns["kind"].values == ("u", "v")
    assert (columns["flag"].low, columns["flag"].high) == (0, 1)
    assert basis.target is not None
    assert basis.target.rows == 56


def test_the_file_holds_nothing_of_people_and_machines(model: Model, tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", model)
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        words = file.metadata()["xltrain"]
    header = json.loads(words)["basis"]
    assert header.keys() == {"when", "rows", "scores", "baselines", "columns", "target"}
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", header["when"])
    assert "Smith" not in words  # texts are no vocabulary
    assert str(Path.home()) not in words


def test_the_rows_of_the_training_are_never_outside_and_others_are(model: Model) -> None:
    assert model.basis is not None
    data = odd_table().take(np.arange(4, 60))
    assert outside(data, model.encoding.columns, model.basis.columns) == []
    found = outside(odd_table(), model.encoding.columns, model.basis.columns)
    assert [(each.column, each.reason, each.rows.tolist()) for each in found] == [
        ("a", "above", [0, 1, 2, 3]),
        ("gaps", "below", [0, 1, 2, 3]),
    ]
    said = joined(found, 60).to_pylist()
    assert said[0].startswith("a 1000000: above training (up to ")
    assert said[0].endswith("; gaps 0: below training (from 4)")
    assert said[4:] == [None] * 56


def test_empty_cells_are_a_warning_only_where_none_was_empty(model: Model) -> None:
    assert model.basis is not None
    data = odd_table()
    empty = {name: pa.nulls(60, data.data.column(name).type) for name in data.names}
    found = outside(make.table(empty), model.encoding.columns, model.basis.columns)
    assert {each.column for each in found if each.reason == "empty"} == {"a", "day", "kind", "flag", "said"}
    assert all(each.reason == "empty" for each in found)


def test_many_categories_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.basis.MOST_VALUES", 2)
    model = make.train(make.numbers(40), make.job()).models["y"]
    assert model.basis is not None
    assert model.basis.columns["kind"].values == ()
    new = make.numbers(10, seed=1)
    new = make.table({**new.data.to_pydict(), "kind": ["new"] * 10})
    assert not [each for each in outside(new, model.encoding.columns, model.basis.columns) if each.reason == "unknown"]
