"""Rows repeated, left out or made up: as many of each class, and only where they may come from."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.calls import parse_call
from tests.engine.make import classes, columns, job, run, table, train
from xltrain.config.settings import Column
from xltrain.data.balance import check_balance, made_up, nominal, resampled
from xltrain.data.encode import plan_encoding, read_target
from xltrain.engine.balanced import balance_members
from xltrain.engine.plan import Member
from xltrain.errors import ConfigError

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [60, 25, 5])
ROWS = np.arange(100, 190)


@pytest.mark.parametrize(("how", "wanted"), [("oversample", 60), ("undersample", 5)])
def test_every_class_has_as_many_rows(how: str, wanted: int) -> None:
    found = resampled(ROWS, LABELS, how, 7)
    assert (np.diff(found) >= 0).all()
    counts = np.bincount(LABELS[found - 100])
    assert counts.tolist() == [wanted] * 3
    times = np.bincount(found - 100, minlength=90)
    if how == "oversample":
        assert all(np.ptp(times[kind == LABELS]) <= 1 for kind in range(3))
        assert times.min() == 1
    else:
        assert times.max() == 1
    np.testing.assert_array_equal(found, resampled(ROWS, LABELS, how, 7))
    assert not np.array_equal(found, resampled(ROWS, LABELS, how, 8))


def mixed() -> Any:
    rows = len(LABELS)
    data = table(
        {
            "a": RNG.normal(LABELS, 1),
            "b": np.where(RNG.random(rows) < 0.1, np.nan, 100 + 30 * RNG.normal(LABELS, 1)),
            "kind": RNG.choice(["u", "v", "w"], rows),
            "y": np.array(["x", "y", "z"])[LABELS],
        }
    )
    encoding, _ = plan_encoding(data, columns(data, job()))
    raw = encoding.raw(data)
    training = np.flatnonzero(np.arange(rows) % 5 != 0)
    return encoding, raw, encoding.state(raw, training), training


@pytest.mark.parametrize("how", ["smote", "smotenc"])
def test_made_up_rows_lie_between_training_rows_of_their_class(how: str) -> None:
    encoding, raw, state, training = mixed()
    new, labels = made_up(encoding, state, raw, training, LABELS[training], how, 3)
    counts = np.bincount(LABELS[training])
    assert np.bincount(labels, minlength=3).tolist() == (counts.max() - counts).tolist()
    seen, old = state.apply(new), state.apply(raw)[training]
    for kind in (1, 2):
        mine, own = seen[labels == kind], old[LABELS[training] == kind]
        assert (mine[:, :2] >= own[:, :2].min(0) - 1e-5).all()
        assert (mine[:, :2] <= own[:, :2].max(0) + 1e-5).all()
    flags = np.concatenate(nominal(encoding).blocks)
    assert np.isfinite(new).all()
    assert (np.isin(new[:, flags], (0, 1)).all()) == (how == "smotenc")
    again = made_up(encoding, state, raw, training, LABELS[training], how, 3)[0]
    np.testing.assert_array_equal(new, again)


def test_smote_equals_imbalanced_learn() -> None:
    theirs = pytest.importorskip("imblearn.over_sampling")
    encoding, raw, state, training = mixed()
    labels = (LABELS[training] == 1).astype(np.int64)
    new, _ = made_up(encoding, state, raw, training, labels, "smote", 5)
    expected, _ = theirs.SMOTE(random_state=5).fit_resample(state.apply(raw)[training], labels)
    np.testing.assert_allclose(state.apply(new), expected[len(training) :], atol=1e-5)


def test_a_class_of_one_row_is_repeated() -> None:
    encoding, raw, state, training = mixed()
    labels = np.zeros(len(training), np.int64)
    labels[4] = 1
    new, told = made_up(encoding, state, raw, training, labels, "smote", 0)
    assert set(told) == {1}
    np.testing.assert_allclose(state.apply(new), np.tile(state.apply(raw)[training[4]], (len(new), 1)), atol=1e-5)


def test_blocks_come_back_as_they_went() -> None:
    encoding, raw, state, training = mixed()
    seen = state.apply(raw)[training]
    seen[0, nominal(encoding).blocks[-1]] = 0  # a category never seen
    blocks = nominal(encoding)
    np.testing.assert_array_equal(blocks.unpack(blocks.pack(seen), seen.shape[1]), seen)


IMBALANCES = ("none", "balanced", "oversample", "undersample", "smote", "smotenc")


@pytest.mark.parametrize("how", IMBALANCES[2:])
def test_a_run_learns_with_it_and_is_scored_on_real_rows(how: str) -> None:
    fitted = train(classes(), job(run(how, loss="cross_entropy", imbalance=how)))
    target = fitted.result.targets[0]
    assert (target.ledger.scored_by == 1).all()
    assert np.isfinite(target.ledger.loss).all()


def test_runs_side_by_side_learn_what_they_learn_alone() -> None:
    def weights(*asked: str) -> Any:
        runs = [run(how, loss="cross_entropy", imbalance=how, epochs=2, keep=True) for how in asked]
        fitted = train(classes(), job(*runs))
        models = [*fitted.models.values(), *fitted.kept]
        return {model.run: model.weights for model in models}

    together = weights(*IMBALANCES)
    for how in ("none", "oversample", "smote"):
        np.testing.assert_allclose(together[how], weights(how)[how], atol=1e-12)


@pytest.mark.parametrize("encoder", ["standard", "quantile"])  # one view for all folds, one for each
def test_made_up_rows_stand_behind_the_real_ones(monkeypatch: pytest.MonkeyPatch, encoder: str) -> None:
    found: list[tuple[list[Member], list[Any], dict[str, list[Any]]]] = []

    def watched(members: Any, encoding: Any, views: Any, targets: Any) -> Any:
        balanced = balance_members(members, encoding, views, targets)
        found.append((balanced, views, targets))
        return balanced

    monkeypatch.setattr("xltrain.engine.ready.balance_members", watched)
    asked = job(run("a", loss="cross_entropy", imbalance="smote", epochs=1), run("b", loss="cross_entropy", epochs=1))
    chosen = Column("a", "feature", "numeric", parse_call("encoders", encoder))
    train(classes(), replace(asked, columns=(*asked.columns, chosen)))
    ((members, views, targets),) = found
    values = read_target(classes(), "y", "classification").values
    taken: set[tuple[int, int]] = set()
    for member in members:
        known = targets["classification"][member.target_row]
        np.testing.assert_array_equal(known[:150], values)
        made = member.part.training[member.part.training >= 150]
        places = {(member.view, row) for row in made.tolist()}
        assert not taken & places
        taken |= places
        assert np.isfinite(views[member.view][made]).all()
        assert len(made) > 0 if member.run.name == "a" else len(made) == 0
        assert max(member.part.validation.max(), member.part.held_out.max()) < 150
        assert member.counts is not None
        np.testing.assert_array_equal(member.counts, np.bincount(known[member.part.training].astype(int), minlength=3))
        assert np.ptp(member.counts) == 0 or member.run.name == "b"
    assert len(views) == (1 if encoder == "standard" else 3)
    assert {len(view) for view in views} == {1 + max(row for _, row in taken)}


def test_what_cannot_be_had_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding, *_ = mixed()
    asked = [run(imbalance="smote"), run(imbalance="oversample")]
    check_balance(asked, encoding, False)
    with pytest.raises(ConfigError, match="oversample"):
        check_balance(asked, encoding, True)
    words = table({"kind": ["u", "v"] * 9, "y": ["x", "y"] * 9})
    nothing, _ = plan_encoding(words, columns(words, job()))
    with pytest.raises(ConfigError, match="smotenc"):
        check_balance([run(imbalance="smotenc")], nothing, False)
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(ConfigError, match="pip install imbalanced-learn"):
        check_balance(asked, encoding, False)
    check_balance([run(imbalance="undersample")], encoding, False)
