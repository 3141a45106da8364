"""Suspects: planted errors found to the cell, clean data left alone, no score from a model that knew the row."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.engine import make
from xltrain.data.table import Table
from xltrain.engine.additive import Additive, Cells
from xltrain.engine.opinions import mislabelled, pooled_numbers
from xltrain.engine.result import Suspects
from xltrain.engine.surprise import local_scale, surprise
from xltrain.engine.suspects import suspects_of
from xltrain.engine.tail import Tail, among_rows, wrong_share


def houses(rows: int = 300, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    size = rng.normal(80, 20, rows).clip(25)
    rooms = size / 20 + rng.normal(0, 0.5, rows)
    age = rng.uniform(0, 60, rows)
    return {"size": size, "rooms": rooms, "age": age, "price": 3 * size - age + rng.normal(0, 6, rows)}


def cells(columns: dict[str, np.ndarray]) -> list[Cells]:
    return [Cells(name, np.asarray(values, float)) for name, values in columns.items()]


def fitted(table: Table, target: str = "price", **more: object) -> Suspects:
    asked = make.job(make.run(epochs=15), target=target, folds=4, **more)
    found = make.train(table, asked).result.targets[0].suspects
    assert found is not None
    return found


def test_a_typing_error_is_found_to_the_cell() -> None:
    columns = houses()
    columns["size"][40] *= 10
    columns["age"][70] = 400
    found = surprise(cells(columns))
    assert set(np.argsort(-found.evidence())[:2]) == {40, 70}
    assert found.odd[40] == 0
    assert found.odd[70] == 2
    right = columns["size"][40] / 10
    assert found.low[40, 0] - 15 < right < found.high[40, 0] + 15
    assert found.high[40, 0] < columns["size"][40] / 4


def test_a_category_that_contradicts_the_row() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 240).astype(float)
    a, b = kind * 4 + rng.normal(0, 0.5, 240), -kind * 3 + rng.normal(0, 0.5, 240)
    kind[9] = (kind[9] + 1) % 3
    found = surprise([Cells("a", a), Cells("b", b), Cells("kind", kind, ("u", "v", "w"))])
    assert found.evidence().argmax() == 9
    assert found.columns[found.odd[9]].name == "kind"
    assert found.middle[9, 2] == (kind[9] - 1) % 3


def test_a_column_whose_noise_grows_has_no_suspects_for_being_large() -> None:
    rng = np.random.default_rng(1)
    level = rng.uniform(1, 100, 2000)
    residual = np.abs(rng.normal(0, 1, 2000) * level)
    scaled = residual / local_scale(residual, level)
    top = np.argsort(-scaled)[:200]
    assert level[top].mean() < level[np.argsort(-residual)[:200]].mean() - 10


def test_a_row_has_no_part_in_what_is_expected_of_it() -> None:
    columns = houses(80)
    features = cells(columns)[:3]

    def expected(price: np.ndarray) -> tuple[Additive, np.ndarray]:
        model = Additive.of([*features, Cells("price", price, tells=False)])
        assert model is not None
        return model, model.measures[3].back(model.say(np.arange(80))[3])

    model, before = expected(columns["price"])
    changed = columns["price"].copy()
    changed[7] = np.sort(changed)[-2]  # within the column's range, whose quartiles then hardly move
    _, after = expected(changed)
    same = model.fold == model.fold[7]
    moved = np.abs(after - before)
    assert moved[same].max() < 0.2 * moved[~same].max()


def test_tails() -> None:
    rng = np.random.default_rng(0)
    normal = np.abs(rng.normal(size=5000))
    evidence = Tail.of(normal).evidence(normal)
    assert evidence.max() < np.log(5000) + 1  # on the careful side
    assert np.median(evidence) == pytest.approx(np.log(2), abs=0.05)
    assert Tail.of(normal).evidence(np.array([np.nan, 50.0])) == pytest.approx([0, 10], abs=4)
    heavy = np.abs(rng.standard_t(2, 5000))
    assert Tail.of(heavy).evidence(heavy).max() < np.log(5000) + 5
    assert Tail.of(np.zeros(0)).evidence(np.ones(2)).tolist() == [0, 0]


def test_how_many_are_wrong() -> None:
    rng = np.random.default_rng(0)
    chance = among_rows(rng.exponential(1, 1000))
    assert (wrong_share(chance, 1000) > 0.5).sum() <= 2
    evidence = among_rows(np.concatenate([rng.exponential(1, 950), np.full(50, 9.0)]))
    share = wrong_share(evidence, 1000)
    assert share[950:].min() > 0.9
    assert (share[:950] > 0.5).sum() < 30


def test_a_wrong_target_in_a_fit() -> None:
    columns = houses()
    columns["price"][33] *= 10
    columns["rooms"][66] = 90
    found = fitted(make.table(columns))
    assert set(found.order[:2]) == {33, 66}
    assert found.columns[found.odd_column[33]] == "price"
    assert found.columns[found.odd_column[66]] == "rooms"
    assert found.low[33] < columns["price"][33] / 10 + 40
    assert found.high[33] < columns["price"][33] / 2
    assert 2 <= found.worth <= 8
    assert found.similar.shape == (len(found.order), 3)
    assert not (found.similar == found.order[:, None]).any()
    assert "size" in found.pushes[0]


def test_wrong_labels_in_a_fit() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 240)
    a, b = label * 3 + rng.normal(0, 0.6, 240), (label == 1) * 3 + rng.normal(0, 0.6, 240)
    names = np.array(["red", "green", "blue"], object)
    words = names[label].copy()
    wrong = [5, 50, 150]
    words[wrong] = names[(label[wrong] + 1) % 3]
    asked = make.job(make.run(loss="cross_entropy", epochs=30), folds=4)
    target = make.train(make.table({"a": a, "b": b, "y": pa.array(words)}), asked).result.targets[0]
    found = target.suspects
    assert found is not None
    assert set(found.order[:3]) == set(wrong)
    assert 3 <= found.worth <= 6
    suggested = [target.classes[int(each)] for each in found.suggested[wrong]]
    assert suggested == names[label[wrong]].tolist()
    assert (found.confidence[wrong] > 0.6).all()
    assert [found.columns[each] for each in found.odd_column[wrong]] == ["y"] * 3


@pytest.mark.parametrize("kind", ["noise", "line", "classes"])
def test_clean_data_have_next_to_no_suspects(kind: str) -> None:
    rng = np.random.default_rng(3)
    columns: dict[str, object] = {name: rng.normal(size=400) for name in "abc"}
    columns["y"] = rng.normal(size=400)
    loss = "mse"
    if kind == "line":
        columns["y"] = np.asarray(columns["a"]) * 2 + rng.normal(size=400)
    if kind == "classes":
        columns["y"], loss = pa.array(rng.choice(["yes", "no"], 400)), "cross_entropy"
    asked = make.job(make.run(loss=loss), folds=4)
    found = make.train(make.table(columns), asked).result.targets[0].suspects
    assert found is not None
    assert found.worth <= 4  # of 400


def labels(noise: float, rows: int = 1500, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares as a model of labels of which some are wrong has them, those labels, and which are wrong."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, rows)
    wrong = rng.random(rows) < noise
    codes = np.where(wrong, (true + rng.integers(1, 3, rows)) % 3, true)
    sure = np.eye(3)[true] * rng.uniform(2, 9, rows)[:, None]
    shares = np.exp(sure) / np.exp(sure).sum(1, keepdims=True)
    return shares * (1 - 1.5 * noise) + 0.5 * noise, codes, wrong


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_as_many_labels_are_called_wrong_as_are(noise: float) -> None:
    shares, codes, wrong = labels(noise)
    found, said = mislabelled(shares, codes)
    assert abs(found.sum() - wrong.sum()) < 12 + 0.2 * wrong.sum()
    assert found[~wrong].mean() < 0.02
    if noise:
        assert (found[wrong] > 0.5).mean() > 0.8
        assert said.max(1).mean() > shares.max(1).mean()  # what the labels would be but for the wrong ones
    assert said.sum(1) == pytest.approx(1)


def test_a_rare_class_that_nothing_tells_is_not_wrong() -> None:
    rng = np.random.default_rng(0)
    codes = (rng.random(600) < 0.08).astype(int)
    tell = rng.normal(0.08, 0.01, 600).clip(0.01)
    assert mislabelled(np.stack([1 - tell, tell], 1), codes)[0].max() < 0.5


def test_classes_that_overlap_have_no_suspects() -> None:
    rng = np.random.default_rng(0)
    share = rng.uniform(0.02, 0.98, 800)
    codes = (rng.random(800) < share).astype(int)
    assert (mislabelled(np.stack([1 - share, share], 1), codes)[0] > 0.5).sum() <= 3


def test_a_number_many_times_too_large_is_no_less_odd_in_logarithms() -> None:
    rng = np.random.default_rng(0)
    size = np.exp(rng.normal(0, 0.6, 300))
    columns = {"size": size, "double": size * 2 * np.exp(rng.normal(0, 0.1, 300)), "other": rng.normal(size=300)}
    columns["double"][20] *= 10
    found = surprise(cells(columns))
    assert found.model is not None
    assert found.model.measures[1].logs
    assert found.evidence().argmax() == 20
    assert found.score[20, 1] > Tail.of(np.abs(rng.normal(size=300))).evidence(np.array([np.log(10) / 0.1]))[0]


def test_one_step_between_few_values_is_not_the_whole_tail() -> None:
    size = np.repeat([0.4, 0.5, 0.9, 2.3, 3.0], [500, 250, 160, 70, 20])
    steep, flat = Tail.on_the_whole(size), Tail.of(size, (0.9, 0.95))
    assert steep.slope > flat.slope
    normal = np.abs(np.random.default_rng(0).normal(size=5000))
    assert Tail.on_the_whole(normal).evidence(normal).max() < np.log(5000) + 2
    assert Tail.on_the_whole(np.zeros(0)).evidence(np.ones(2)).tolist() == [0, 0]


def test_scores_come_from_models_that_did_not_learn_from_the_row() -> None:
    """Of numbers no part of the score is from training; of classes the early losses alone (engine/suspects.py)."""
    table = make.table(houses(120))
    result = make.train(table, make.job(make.run(), target="price", folds=4)).result.targets[0]
    own = result.suspects
    assert own is not None
    odd = surprise([*cells(houses(120))[:3], Cells("price", houses(120)["price"], tells=False)])
    inputs = np.zeros((120, 1), np.float32)
    plain = suspects_of(result, odd, inputs)
    without = suspects_of(replace(result, ledger=replace(result.ledger, dynamics=None)), odd, inputs)
    np.testing.assert_array_equal(plain.score, without.score)


def test_two_targets_and_gaps() -> None:
    columns = houses(200)
    columns["second"] = columns["price"] * 2 + np.random.default_rng(0).normal(0, 5, 200)
    columns["size"][3] = np.nan
    columns["second"][4] = np.nan
    asked = make.job(make.run(), target=("price", "second"), folds=3)
    found = make.train(make.table(columns), asked).result.targets
    for each in found:
        assert each.suspects is not None
        assert len(each.suspects.score) == 200
    second = found[1].suspects
    assert second is not None
    assert 4 not in second.order[:50]


def test_next_to_nothing_to_go_by() -> None:
    rng = np.random.default_rng(0)
    table = make.table({"a": rng.normal(size=12), "y": rng.normal(size=12)})
    found = fitted(table, "y")
    assert len(found.score) == 12
    assert found.worth <= 1


def test_a_column_of_marks_is_no_error() -> None:
    rng = np.random.default_rng(0)
    columns = houses(400)
    columns["flag"] = (rng.random(400) < 0.03).astype(float)
    found = surprise(cells(columns))
    assert found.score[:, 4].max() == 0


def prices(rows: int = 400) -> dict[str, np.ndarray]:
    """Each plan has one price, which a model finds to within some cents."""
    rng = np.random.default_rng(0)
    plan = rng.choice(["Bronze", "Silver", "Gold"], rows)
    price = np.select([plan == "Bronze", plan == "Silver"], [12.2, 14.25], 19.35)
    return {
        "plan": plan,
        "store": rng.choice(["A", "B", "C", "D"], rows),
        "day": rng.uniform(0, 90, rows),
        "price": price,
    }


@pytest.mark.parametrize("tenfold", [0, 6])
def test_a_column_that_the_others_tell_exactly_has_no_suspects_but_the_wrong_ones(tenfold: int) -> None:
    columns = prices()
    wrong = set(range(20, 20 + 10 * tenfold, 10)) | {7, 301}
    for row in wrong - {7, 301}:
        columns["price"][row] *= 10
    for row in (7, 301):
        columns["price"][row] = 14.25 if columns["price"][row] != 14.25 else 19.35
    found = fitted(make.table(columns))
    assert set(found.reviewed.tolist()) == wrong
    for row in found.order.tolist():
        name = found.columns[found.odd_column[row]] if found.odd_column[row] >= 0 else ""
        if name in ("price", "day"):
            assert not found.odd_low[row] <= columns[name][row] <= found.odd_high[row]
    assert (found.high - found.low >= 0.01).all()
    assert found.decimals[found.columns.index("price")] == 2


def test_no_number_is_odd_by_less_than_its_rounding() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(50, 10, 400).round(2)
    columns = {"size": size, "double": 2 * size, "half": (size / 2).round(2)}  # off by half a cent in half of the rows
    found = surprise(cells(columns))
    assert (found.high - found.low >= 0.0099).all()
    values = np.stack(list(columns.values()), 1)
    near = np.abs(values - found.middle) <= 0.0049
    assert near.sum() > 50
    assert (found.score[near] == 0).all()
    columns["double"][9] += 30
    assert surprise(cells(columns)).evidence().argmax() == 9


def test_an_exact_opinion_is_heard_where_the_others_miss() -> None:
    target = np.repeat([12.2, 14.25], 50)
    network = target + np.random.default_rng(0).normal(0, 1.5, 100)
    network[:5] = 21.2
    said = [network, network + 0.3, target.copy(), target + 0.15]
    said[2][60:63] = np.nan  # of which it says nothing
    pooled = pooled_numbers(said, target)
    assert np.abs(pooled - target).max() < 0.3
    assert np.abs(pooled - target)[:5].max() < 0.01
