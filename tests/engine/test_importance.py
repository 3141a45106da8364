"""Permutation importance and partial dependence: against a slow loop, and on held-out rows alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.engine import make
from xltrain.config.settings import Column
from xltrain.engine import importance as module
from xltrain.engine import outcome
from xltrain.engine.evaluate import to_values, unseen_of
from xltrain.engine.importance import _dealt, _importance, slices_of
from xltrain.engine.plan import features_of, layout_of
from xltrain.engine.result import Importance
from xltrain.engine.voices import Voices
from xltrain.registry import metrics


def decided(rows: int = 160, seed: int = 0):
    """One decisive column, one of little weight, a decisive category, one of noise, and a copy of the first."""
    rng = np.random.default_rng(seed)
    a, b, none = rng.normal(50, 10, rows), rng.normal(0, 1, rows), rng.normal(0, 1, rows)
    kind = rng.choice(["u", "v", "w", "x"], rows)
    gaps = np.where(rng.random(rows) < 0.1, np.nan, b)
    y = 2 * a + 3 * b + 25 * (kind == "u") - 25 * (kind == "w") + rng.normal(0, 0.5, rows)
    return make.table({"a": a, "b": gaps, "kind": kind, "none": none, "like a": a + rng.normal(0, 0.5, rows), "y": y})


@pytest.fixture(scope="module")
def caught():
    """A trained job with what `importance_of` was called with."""
    found = {}
    before = outcome.importance_of

    def catch(*arguments):
        found["arguments"] = arguments
        return before(*arguments)

    outcome.importance_of = catch
    try:
        asked = make.job(make.run(model="mlp(32)", epochs=60, loss="mse"), metric="mae")
        found["result"] = make.train(decided(), asked).result.targets[0]
    finally:
        outcome.importance_of = before
    return found


def test_the_decisive_column_comes_first_and_noise_is_worth_nothing(caught) -> None:
    found: Importance = caught["result"].importance
    worth = dict(zip(found.columns, found.importance, strict=True))
    assert set(worth) == {"a", "b", "kind", "none", "like a"}
    assert found.columns[0] == "kind"
    assert list(found.importance) == sorted(found.importance, reverse=True)
    assert worth["kind"] > 5 * worth["b"] > 0
    assert abs(worth["none"]) < 0.05 * worth["kind"]
    assert found.metric == "mae"
    assert found.base == pytest.approx(caught["result"].best.metrics["mae"].value, rel=1e-6)
    assert (found.spread > 0).all()


def test_columns_that_say_the_same_are_named(caught) -> None:
    (pair,) = caught["result"].importance.alike
    assert set(pair[:2]) == {"a", "like a"}
    assert 0.95 < pair[2] <= 1


def test_it_is_what_a_slow_loop_over_columns_finds(caught) -> None:
    judged, raw, encoding, target, metric, *_ = caught["arguments"]
    found: Importance = caught["result"].importance
    voices = Voices(judged, raw, features_of(encoding), module.MOST_ROWS)
    worse = {name: [] for name in encoding.names}
    for repeat in range(found.repeats):
        donors = _dealt(voices, repeat)
        for column, own in zip(encoding.columns, slices_of(encoding), strict=True):
            said, plain, wanted = [], [], []
            for each, rows, donor in zip(judged, voices.rows, donors, strict=True):
                changed = raw[rows].copy()
                changed[:, own] = raw[donor][:, own]
                said.append(slow(each, encoding, changed))
                plain.append(slow(each, encoding, raw[rows]))
                wanted.append(target.values[rows])
            score = metrics[metric].function
            parts = [np.concatenate(part) for part in (said, plain, wanted)]
            worse[column.name].append(score(parts[0], parts[2]) - score(parts[1], parts[2]))
    for name, value in zip(found.columns, found.importance, strict=True):
        assert value == pytest.approx(np.mean(worse[name]), rel=1e-6, abs=1e-9)


def slow(judged, encoding, raw):
    """One member's predictions, one at a time, from raw features."""
    member = judged.course.member
    layout = layout_of(member.run.model, features_of(encoding), member.outputs)
    x = torch.from_numpy(member.state.apply(raw)).unsqueeze(0)
    views = layout.views(judged.course.weights.unsqueeze(0))
    run = module_pass(layout, judged)
    with torch.no_grad():
        output = layout.forward(views, x.to(judged.course.weights.dtype), run)[0].double()
    return to_values(output, member.link, member.mean, member.deviation, unseen_of(member))


def module_pass(layout, judged):
    from xltrain.choices.models.layout import Pass

    return Pass(False, {}, layout.buffer_views(judged.course.buffers.unsqueeze(0)))


def test_only_held_out_rows_are_looked_at(caught) -> None:
    judged, raw, encoding, target, metric, table, _ = caught["arguments"]
    voices = Voices(judged, raw, features_of(encoding), module.MOST_ROWS)
    for each, rows, donors in zip(judged, voices.rows, _dealt(voices, 0), strict=True):
        part = each.course.member.part
        assert not set(rows) & (set(part.training) | set(part.validation))
        assert sorted(donors) == sorted(rows)
    # One member alone: every other row may be anything.
    held = judged[0].held_out.rows
    spoilt = np.full_like(raw, 7.0)
    spoilt[held] = raw[held]
    before, after = (_importance(judged[:1], each, encoding, target, metric, table) for each in (raw, spoilt))
    np.testing.assert_array_equal(before.importance, after.importance)
    np.testing.assert_array_equal(before.curves[0].y, after.curves[0].y)


def test_the_features_of_a_category_move_together(caught) -> None:
    judged, raw, encoding, *_ = caught["arguments"]
    own = slices_of(encoding)[encoding.names.index("kind")]
    assert own.stop - own.start == 4
    voices = Voices(judged, raw, features_of(encoding), module.MOST_ROWS)
    dealt = voices.encoded(_dealt(voices, 0))[:, :, own]
    assert set(map(tuple, (dealt > dealt.mean()).reshape(-1, 4).int().tolist())) == set(
        map(tuple, np.eye(4, dtype=int))
    )


def test_partial_dependence_of_a_linear_model_is_a_line(caught) -> None:
    curves = {curve.column: curve for curve in caught["result"].importance.curves}
    kind = dict(zip(curves["kind"].labels, curves["kind"].y[:, 0], strict=True))
    assert kind["u"] - kind["w"] == pytest.approx(50, rel=0.15)
    assert curves["kind"].share.sum() == pytest.approx(1)
    a = curves["a"]
    assert a.kind == "number"
    assert (np.diff(a.x) > 0).all()
    assert (np.diff(a.y[:, 0]) > 0).all()
    assert a.y.shape == a.spread.shape == (len(a.x), 1)


def test_partial_dependence_is_the_mean_over_held_out_rows(caught) -> None:
    judged, raw, encoding, *_ = caught["arguments"]
    curve = next(each for each in caught["result"].importance.curves if each.column == "none")
    table = caught["arguments"][5]
    at = int(np.argmin(np.abs(table.data.column("none").to_numpy() - curve.x[3])))
    own = slices_of(encoding)[encoding.names.index("none")]
    said = []
    for each in judged:
        changed = raw[each.held_out.rows].copy()
        changed[:, own] = raw[at, own]
        said.append(slow(each, encoding, changed))
    assert curve.y[3, 0] == pytest.approx(np.concatenate(said).mean(), rel=1e-6)
    assert curve.spread[3, 0] == pytest.approx(np.std([one.mean() for one in said], ddof=1), rel=1e-5)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "roc_auc"])
def test_classes_have_a_curve_each(metric: str) -> None:
    asked = make.job(make.run(epochs=30, loss="cross_entropy"), metric=metric)
    found = make.train(make.classes(), asked).result.targets[0].importance
    assert found.importance[0] > 0.05
    curve = found.curves[0]
    assert curve.y.shape == (len(curve.x), 3)
    np.testing.assert_allclose(curve.y.sum(1), 1, rtol=1e-6)


def test_a_class_that_a_fold_never_saw_is_no_hindrance() -> None:
    data = make.classes(90)
    y = data.data.column("y").to_pylist()
    shop = ["one" if label == "blue" else ["one", "two", "three"][row % 3] for row, label in enumerate(y)]
    data = make.table({**{name: data.data.column(name) for name in ("a", "b", "y")}, "shop": shop})
    columns = (*make.job().columns, Column("shop", role="group"))
    fitted = make.train(data, replace(make.job(make.run(loss="cross_entropy")), columns=columns))
    assert fitted.models["y"].unseen is not None
    assert fitted.result.targets[0].importance is not None
    assert not any("importance" in note for note in fitted.result.notes)


def test_targets_of_one_network_have_their_own() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (2, 150))
    data = make.table({"a": a, "b": b, "y": 5 * a, "z": np.where(b > 0, "yes", "no")})
    joint = make.run(epochs=40, loss="", joint=("y", "z"))
    asked = make.job(joint, target=("y", "z"))
    found = {each.target: each.importance for each in make.train(data, asked).result.targets}
    assert found["y"].columns[0] == "a"
    assert found["z"].columns[0] == "b"


def test_leaving_one_row_out_deals_values_of_the_others() -> None:
    data = make.numbers(14)
    found = make.train(data, make.job(make.run(epochs=30), folds=13)).result.targets[0].importance
    assert found.rows == 14
    assert found.importance[0] > 0


def test_the_same_numbers_again_and_no_more_than_is_affordable(caught) -> None:
    found = caught["result"].importance
    again = module.importance_of(*caught["arguments"])
    np.testing.assert_array_equal(found.importance, again.importance)
    judged = caught["arguments"][0]
    assert module._allowed(judged, 1_000) == 1_000_000
    trained = sum(len(each.course.training) * len(each.course.member.part.training) for each in judged)
    assert module._allowed(judged, 10**9) == int(0.2 * trained)
    assert module._budget(160, 5, 50_000) == (160, 5)
    assert module._budget(1_000, 10, 30_000) == (1_000, 3)
    assert module._budget(100_000, 10, 10**9) == (5_000, 5)
    assert module._budget(100_000, 300, 50_000) == (400, 2)


def test_whatever_goes_wrong_leaves_the_fit_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(module, "_importance", fails)
    result = make.train(make.numbers(60), make.job()).result
    assert result.targets[0].importance is None
    assert any("no memory" in note for note in result.notes)


def test_losses_of_shares_point_the_other_way() -> None:
    asked = make.job(make.run(epochs=20, loss="cross_entropy"), metric="accuracy")
    result = make.train(make.classes(), asked).result.targets[0]
    assert result.importance.base == pytest.approx(result.best.metrics["accuracy"].value)
