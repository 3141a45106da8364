"""A model file says the same as the members that were trained, and holds nothing else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save

from tests.calls import parse_call
from tests.engine.make import classes, columns, job, numbers, run, table
from xltrain.config.settings import Column
from xltrain.engine.checkpoint import Model, load_model, save_model
from xltrain.engine.fit import fit
from xltrain.errors import DataError, WorkbookError


@pytest.fixture(scope="module")
def model() -> Model:
    data, asked = numbers(60), job()
    return fit(asked, data, columns(data, asked)).models["y"]


def test_a_model_survives_the_file(model: Model, tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", model)
    again = load_model(tmp_path / "m.safetensors")
    new = numbers(25, seed=5)
    np.testing.assert_array_equal(again.predict(new, "cpu").prediction, model.predict(new, "cpu").prediction)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_classes_survive_the_file(tmp_path: Path) -> None:
    data, asked = classes(), job(run(loss="cross_entropy"))
    model = fit(asked, data, columns(data, asked)).models["y"]
    save_model(tmp_path / "m.safetensors", model)
    told = load_model(tmp_path / "m.safetensors").predict(data, "cpu")
    assert told.probability is not None
    assert told.probability.shape == (150, 3)


def test_every_encoder_survives_the_file(tmp_path: Path) -> None:
    data = {name: np.array(numbers(60).data.column(name).to_pylist()) for name in ("a", "b", "kind", "y")}
    data |= {"said": np.array([f"order {row} 退款" for row in range(60)]), "shop": data["kind"], "c": data["a"]}
    chosen = {"a": "log1p", "b": "piecewise(4)", "c": "winsorize", "kind": "target", "shop": "frequency"} | {
        "said": "text(16)"
    }
    kinds = {"a": "numeric", "b": "numeric", "c": "numeric", "said": "text"}
    asked = job()
    more = [
        Column(name, "feature", kinds.get(name, "category"), parse_call("encoders", encoder))
        for name, encoder in chosen.items()
    ]
    asked = replace(asked, columns=(*asked.columns, *more))
    fitted = fit(asked, table(data), columns(table(data), asked), precision="float64")
    model, ledger = fitted.models["y"], fitted.result.targets[0].ledger
    save_model(tmp_path / "m.safetensors", model)
    again = load_model(tmp_path / "m.safetensors").predict(table(data), "cpu")
    np.testing.assert_array_equal(again.prediction, model.predict(table(data), "cpu").prediction)
    for member in range(3):  # what was held out is encoded as a new row is
        one = replace(
            model,
            weights=model.weights[[member]],
            buffers=model.buffers[[member]],
            states=model.states[member : member + 1],
            means=model.means[[member]],
            deviations=model.deviations[[member]],
        )
        own = ledger.fold == member
        np.testing.assert_allclose(one.predict(table(data), "cpu").prediction[own], ledger.prediction[own], atol=1e-6)


def test_the_ledger_is_what_each_member_says_of_its_fold() -> None:
    data, asked = numbers(60), job()
    fitted = fit(asked, data, columns(data, asked), precision="float64")
    model, ledger = fitted.models["y"], fitted.result.targets[0].ledger
    for member in range(3):
        rows = np.flatnonzero(ledger.fold == member)
        one = slice(member, member + 1)
        alone = Model(
            **{
                **vars(model),
                "weights": model.weights[one],
                "buffers": model.buffers[one],
                "states": model.states[one],
                "means": model.means[one],
                "deviations": model.deviations[one],
            }
        )
        np.testing.assert_allclose(alone.predict(data.take(rows), "cpu").prediction, ledger.prediction[rows], rtol=1e-9)


def test_unknown_categories_and_empty_cells_are_predicted(model: Model) -> None:
    new = table({"a": [50.0, None], "b": [0.0, 1.0], "kind": ["never seen", None]})
    assert np.isfinite(model.predict(new, "cpu").prediction).all()


def test_a_missing_column_is_named(model: Model) -> None:
    with pytest.raises(DataError, match="'b'"):
        model.predict(table({"a": [1.0], "kind": ["u"]}), "cpu")


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_model_says_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(WorkbookError) as caught:
        load_model(path)
    assert len(caught.value.problems) == 1


def test_a_file_cut_short_says_so(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, model)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(WorkbookError):
        load_model(path)


def altered(model: Model, path: Path, **changed: Any) -> Path:
    """A model file whose header says something else."""
    save_model(path, model)
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["xltrain"]) | changed
        tensors = {name: file.get_tensor(name) for name in ("weights", "buffers")}
    path.write_bytes(save(tensors, {"xltrain": json.dumps(header)}))
    return path


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": 99, "version": "9.0"}, ["newer", "9.0"]),
        ({"call": {"name": "no-such-model", "values": {}}}, ["m.safetensors"]),
        ({"call": {"name": "linear", "values": {}}}, ["m.safetensors"]),
        ({"states": []}, ["m.safetensors"]),
        ({"encoding": [{"name": "a", "encoder": "no-such-encoder"}]}, ["m.safetensors"]),
        ({"columns": "none"}, ["m.safetensors"]),
    ],
)
def test_a_header_that_cannot_be_says_so(
    model: Model, tmp_path: Path, changed: dict[str, Any], words: list[str]
) -> None:
    path = altered(model, tmp_path / "m.safetensors", **changed)
    with pytest.raises(WorkbookError) as caught:
        load_model(path)
    assert len(caught.value.problems) == 1
    assert all(word in str(caught.value) for word in words)


def test_an_unaltered_header_loads(model: Model, tmp_path: Path) -> None:
    assert load_model(altered(model, tmp_path / "m.safetensors")).target == "y"


def test_the_spread_is_over_members(model: Model) -> None:
    new = numbers(10, seed=3)
    told = model.predict(new, "cpu")
    assert (told.spread > 0).all()
    assert model.predict(new.take(np.arange(0)), "cpu").prediction.shape == (0,)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="none"):
        load_model(tmp_path / "none.safetensors")
