"""Each further encoder against an independent computation, from training rows alone."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats.mstats import winsorize
from sklearn.preprocessing import StandardScaler, TargetEncoder

from tests.calls import parse_call
from tests.engine.make import table
from xltrain.config.settings import Column
from xltrain.data.encode import Encoding, State, limit_notes, plan_encoding, read_target
from xltrain.data.hashed import clean, grams
from xltrain.data.learned import FOLDS
from xltrain.language import using

RNG = np.random.default_rng(0)
SKEWED = np.exp(RNG.normal(0, 2, 300))
LEARN = np.arange(200)
KINDS = RNG.choice(["a", "b", "c", "d"], 300, p=(0.6, 0.2, 0.15, 0.05))


def column(name: str, kind: str, encoder: str = "") -> Column:
    return Column(name, "feature", kind, parse_call("encoders", encoder) if encoder else None)


def learned(
    values: Any, kind: str, encoder: str, rows: Any = LEARN, wanted: Any = None
) -> tuple[Encoding, np.ndarray, State]:
    data = table({"a": values})
    encoding, _ = plan_encoding(data, [column("a", kind, encoder)], 1 if wanted is None else wanted.shape[1])
    raw = encoding.raw(data)
    return encoding, raw, encoding.state(raw, rows, wanted)


def encode(values: Any, kind: str, encoder: str, rows: Any = LEARN, wanted: Any = None) -> np.ndarray:
    _, raw, state = learned(values, kind, encoder, rows, wanted)
    return state.apply(raw, rows)


def scaled(values: np.ndarray) -> np.ndarray:
    return StandardScaler().fit(values[LEARN, None]).transform(values[:, None])


def test_log1p_is_the_logarithm_standardised_and_mirrored_below_zero() -> None:
    np.testing.assert_allclose(encode(SKEWED, "numeric", "log1p"), scaled(np.log1p(SKEWED)), rtol=1e-5, atol=1e-6)
    both = SKEWED * np.where(np.arange(300) % 2, 1, -1)
    expected = scaled(np.array([-np.log1p(-each) if each < 0 else np.log1p(each) for each in both]))
    np.testing.assert_allclose(encode(both, "numeric", "log1p"), expected, rtol=1e-5, atol=1e-6)


def test_log1p_of_huge_numbers_is_finite() -> None:
    assert np.isfinite(encode(np.array([-1e300, 0, 1e-300, 1e300, 5]), "numeric", "log1p", np.arange(4))).all()


def test_winsorize_clips_at_training_quantiles() -> None:
    found = encode(SKEWED, "numeric", "winsorize(share=0.05)")[:, 0]
    low, high = np.quantile(SKEWED[LEARN], (0.05, 0.95))
    np.testing.assert_allclose(found, scaled(np.clip(SKEWED, low, high))[:, 0], rtol=1e-5, atol=1e-6)
    theirs = np.asarray(winsorize(np.arange(101.0), (0.05, 0.05)))
    ours = encode(np.arange(101.0), "numeric", "winsorize(share=0.05)", np.arange(101))[:, 0]
    np.testing.assert_allclose(ours, (theirs - theirs.mean()) / theirs.std(), rtol=1e-5, atol=1e-6)


def test_winsorized_limits_are_listed_in_the_columns_own_unit() -> None:
    values = 7e12 + np.arange(300.0)
    encoding, raw, state = learned(values, "numeric", "winsorize(share=0.1)", np.arange(300))
    with using("en"):
        (note,) = limit_notes(encoding, [state], raw)
    assert "'a'" in note
    assert "60 rows" in note
    encoding, raw, state = learned(np.arange(301.0), "numeric", "winsorize(share=0.1)", np.arange(301))
    with using("en"):
        (note,) = limit_notes(encoding, [state], raw)
    assert "between 30 and 270" in note


@pytest.mark.parametrize("bins", [1, 4, 16])
def test_piecewise_equals_the_package_of_its_authors(bins: int) -> None:
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("rtdl_num_embeddings")
    values = RNG.normal(0, 1, 300).astype(np.float32)
    encoding, raw, state = learned(values, "numeric", f"piecewise({bins})")
    inputs = torch.from_numpy(raw[:, :1])
    edges = [torch.from_numpy(np.quantile(raw[LEARN, 0].astype(np.float64), np.linspace(0, 1, bins + 1))).float()]
    layer = theirs.PiecewiseLinearEncoding(edges)
    np.testing.assert_allclose(state.apply(raw), layer(inputs).numpy(), atol=2e-4)
    assert [part for _, part in encoding.features] == [f"bin {number + 1}" for number in range(bins)]


def test_piecewise_of_few_values_has_fewer_bins() -> None:
    found = encode(np.repeat([0.0, 1.0, 5.0], 100), "numeric", "piecewise", np.arange(300))
    np.testing.assert_allclose(found[[0, 100, 200]], [[0, 0], [1, 0], [1, 1]], atol=1e-6)
    lacking = encode(np.repeat([0.0, 1.0, 5.0], 100), "numeric", "piecewise", np.arange(199))
    np.testing.assert_allclose(lacking[:200, 1], 0)
    assert np.isfinite(lacking).all()


def test_frequency_is_the_share_of_training_rows() -> None:
    counts = Counter(KINDS[LEARN])
    shares = np.array([counts[each] / 200 for each in KINDS])
    np.testing.assert_allclose(encode(KINDS, "category", "frequency"), scaled(shares), rtol=1e-5, atol=1e-6)


def test_a_category_that_training_never_saw_has_no_share_and_the_overall_mean() -> None:
    values = np.where(np.arange(300) < 200, KINDS, "new")
    share = encode(values, "category", "frequency")[:, 0]
    assert share[250] < share[:200].min()
    wanted = RNG.normal(5, 1, (300, 1))
    encoding, raw, state = learned(values, "category", "target", wanted=wanted)
    other = encoding.raw(table({"a": ["never heard of", "new"]}))
    np.testing.assert_array_equal(state.apply(other)[0], state.apply(raw)[250])


@pytest.mark.parametrize("smooth", [0.0, 10.0])
def test_target_equals_scikit_learn_for_rows_outside_training(smooth: float) -> None:
    wanted = RNG.normal(0, 1, (300, 1)) + (KINDS == "b")[:, None]
    theirs = TargetEncoder(smooth=max(smooth, 1e-9), target_type="continuous")
    expected = theirs.fit(KINDS[LEARN, None], wanted[LEARN, 0]).transform(KINDS[:, None])[200:, 0]
    _, raw, state = learned(KINDS, "category", f"target(smooth={smooth})", wanted=wanted)
    found = state.apply(raw)[200:, 0]
    scale = np.ptp(expected) / np.ptp(found)  # standardised by what training rows see
    np.testing.assert_allclose(found * scale - found[0] * scale, expected - expected[0], atol=1e-5)


def test_a_training_row_is_encoded_by_the_other_parts() -> None:
    wanted = RNG.normal(0, 1, (300, 1))
    dealt = np.random.default_rng(200).permutation(200) % FOLDS
    expected = np.zeros(200)
    for row in LEARN:
        others = np.flatnonzero(dealt != dealt[row])
        own = others[KINDS[others] == KINDS[row]]
        expected[row] = (wanted[own].sum() + 10 * wanted[others].mean()) / (len(own) + 10)
    found = encode(KINDS, "category", "target", wanted=wanted)[LEARN, 0]
    np.testing.assert_allclose(found, (expected - expected.mean()) / expected.std(), rtol=1e-4, atol=1e-5)


def test_a_category_for_each_row_says_nothing_of_its_own_target() -> None:
    names = np.array([f"row {number}" for number in range(300)])
    wanted = RNG.normal(0, 1, (300, 1))
    found = encode(names, "category", "target", wanted=wanted)[LEARN, 0]
    assert len(np.unique(found.round(6))) <= FOLDS  # the means of the other parts, and nothing else


def test_targets_outside_training_leave_no_trace() -> None:
    wanted = RNG.normal(0, 1, (300, 1))
    other = wanted.copy()
    other[200:] = np.nan
    one, two = (encode(KINDS, "category", "target", wanted=each) for each in (wanted, other))
    np.testing.assert_array_equal(one, two)


def test_several_classes_have_a_feature_each() -> None:
    labels = RNG.choice(["x", "y", "z"], 300)
    goal = read_target(table({"y": labels}), "y", "classification")
    wanted = goal.wanted(goal.outputs)
    assert wanted.shape == (300, 3)
    np.testing.assert_array_equal(wanted.argmax(1), goal.values)
    found = encode(KINDS, "category", "target", wanted=wanted)
    assert found.shape == (300, 3)
    assert (found.std(0) > 0.5).all()
    two = read_target(table({"y": np.where(labels == "x", "x", "y")}), "y", "classification")
    np.testing.assert_array_equal(two.wanted(two.outputs)[:, 0], two.values)


def test_a_missing_category_is_the_mean_and_says_so() -> None:
    values = [None if number % 5 == 0 else each for number, each in enumerate(KINDS)]
    for encoder, wanted in (("frequency", None), ("target", RNG.normal(0, 1, (300, 1)))):
        found = encode(values, "category", encoder, wanted=wanted)
        np.testing.assert_array_equal(found[::5], np.tile([0.0, 1.0], (60, 1)))
        assert not found[1::5, 1].any()


def test_embedding_is_onehot_with_room() -> None:
    np.testing.assert_array_equal(encode(KINDS, "category", "embedding"), encode(KINDS, "category", "onehot"))
    encoding, _, _ = learned(KINDS, "category", "embedding")
    assert encoding.columns[0].fact("embeds")


def test_all_parts_of_dates() -> None:
    days = np.arange("2023-01-01", "2025-01-01", dtype="datetime64[D]").astype("datetime64[us]")
    values = pa.array([None, *days.tolist()[1:]], pa.timestamp("us"))
    data = table({"a": values})
    encoding, _ = plan_encoding(data, [column("a", "date", "date(parts=all)")])
    raw = encoding.raw(data)
    named = {part: raw[1:, index] for index, (_, part) in enumerate(encoding.features)}
    last = np.array([(day + np.timedelta64(1, "D")).astype(object).day == 1 for day in days.astype("datetime64[D]")])
    np.testing.assert_array_equal(named["month_end"], last[1:])
    for cycle, months in (("month", 1), ("quarter", 3)):
        turn = np.arctan2(named[f"{cycle}_sin"], named[f"{cycle}_cos"]) % (2 * np.pi)
        starts = np.flatnonzero(turn < 1e-6)
        expected = [
            number
            for number, day in enumerate(days.astype("datetime64[D]")[1:].tolist())
            if day.day == 1 and (day.month - 1) % months == 0
        ]
        assert starts.tolist() == expected
    assert np.isfinite(encoding.state(raw, np.arange(len(raw))).apply(raw)).all()


def test_usual_dates_keep_their_parts() -> None:
    days = pa.array(np.arange("2023-01-01", "2025-01-01", dtype="datetime64[D]"))
    encoding, _ = plan_encoding(table({"a": days}), [column("a", "date")])
    assert encoding.columns[0].parts == ("days", "year_sin", "year_cos", "week_sin", "week_cos")


TEXTS = ["late delivery, box torn", "Late  Delivery", "包装破损，已退款", "已退款", None, "late delivery, box torn"]


def test_texts_are_counts_of_their_pieces() -> None:
    _, raw, _ = learned(TEXTS, "text", "text", np.arange(6))
    assert raw.shape == (6, 257)
    np.testing.assert_allclose(np.linalg.norm(raw[[0, 1, 2, 3, 5], :256], axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(raw[:, 256], [0, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(raw[0], raw[5])
    np.testing.assert_array_equal(raw[4, :256], 0)
    near = raw[:, :256] @ raw[:, :256].T
    assert near[0, 1] > 0.6 > 0.3 > near[0, 2]
    assert near[2, 3] > 0.4


def test_pieces_equal_a_plain_count() -> None:
    """With as many buckets as make collisions unlikely, sorted counts are those of the n-grams."""
    said = clean("Ａbracadabra 退款退款")
    pieces = Counter(said[at : at + size] for size in (1, 2, 3) for at in range(len(said) - size + 1))
    del pieces[" "]
    expected = np.sort([*pieces.values()])[::-1] / np.linalg.norm([*pieces.values()])
    (found,) = grams([said], 1 << 16, 3)
    np.testing.assert_allclose(np.sort(found[found > 0])[::-1], expected, rtol=1e-6)


def test_hashes_are_the_same_in_every_run_and_on_every_machine() -> None:
    (found,) = grams(["退款 ok"], 64, 2)

    def bucket(piece: str) -> int:
        value, most = 0xCBF29CE484222325 + len(piece), 2**64
        for sign in piece:
            value = (value ^ ord(sign)) * 0x100000001B3 % most
        value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD % most
        return (value ^ value >> 33) % 64

    pieces = ["退", "款", "o", "k", "退款", "款 ", " o", "ok"]
    assert np.flatnonzero(found).tolist() == sorted({bucket(each) for each in pieces}) == PINNED


PINNED = [14, 15, 17, 20, 30, 33, 35]


def test_many_texts_are_hashed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"order {number} was late" for number in range(50)] * 2
    whole = learned(texts, "text", "text(64)", np.arange(100))[1]
    monkeypatch.setattr("xltrain.data.hashed._CHUNK", 100)
    np.testing.assert_array_equal(learned(texts, "text", "text(64)", np.arange(100))[1], whole)


def test_prose_is_read_by_default_and_a_note_says_so() -> None:
    prose = [f"customer {number} asked for a refund" for number in range(150)]
    encoding, notes = plan_encoding(table({"a": prose}), [column("a", "text")])
    assert encoding.columns[0].encoder == "text"
    assert len(notes) == 1
    assert "'a'" in notes[0]


EVERY = {
    "n": ("numeric", "log1p"),
    "w": ("numeric", "winsorize"),
    "p": ("numeric", "piecewise(4)"),
    "q": ("numeric", "quantile"),
    "c": ("category", "frequency"),
    "t": ("category", "target"),
    "e": ("category", "embedding"),
    "s": ("text", "text(16)"),
    "d": ("date", "date(parts=all)"),
}


def every(seed: int = 0) -> tuple[Any, list[Column], np.ndarray]:
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(120) < 0.1, np.nan, rng.normal(0, 1, 120))
    data = {name: gaps + number for number, name in enumerate("nwpq")}
    data |= {name: rng.choice(["u", "v", "w"], 120) for name in "cte"}
    data["s"] = np.array([f"ticket {number % 17} 退款" for number in range(120)])
    data["d"] = np.datetime64("2024-01-01", "us") + rng.integers(0, 400, 120) * np.timedelta64(1, "D")
    return data, [column(name, *each) for name, each in EVERY.items()], rng.normal(0, 1, (120, 1))


def test_every_encoder_survives_json() -> None:
    data, columns, wanted = every()
    encoding, _ = plan_encoding(table(data), columns)
    raw = encoding.raw(table(data))
    state = encoding.state(raw, np.arange(80), wanted)
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert again == encoding
    restored = State.from_json(json.loads(json.dumps(state.to_json())))
    np.testing.assert_array_equal(restored.apply(again.raw(table(data))), state.apply(raw))


def test_states_of_older_models_are_read() -> None:
    data, columns, _ = every()
    encoding, _ = plan_encoding(table(data), columns[:4])
    raw = encoding.raw(table(data))
    state = encoding.state(raw, np.arange(80))
    old = {name: value for name, value in state.to_json().items() if name != "tables"}
    np.testing.assert_array_equal(State.from_json(old).apply(raw), state.apply(raw))


def test_rows_outside_training_change_no_state_of_any_encoder() -> None:
    data, columns, wanted = every()
    other = {name: values.copy() for name, values in data.items()}
    for name in "nwpq":
        other[name][80:] = other[name][80:] * 0.5 + 0.1
    for name in "cte":
        other[name][80:] = other[name][80:][::-1]
    changed = wanted.copy()
    changed[80:] = 99
    states, views = [], []
    for values, targets in ((data, wanted), (other, changed)):
        encoding, _ = plan_encoding(table(values), columns)
        raw = encoding.raw(table(values))
        state = encoding.state(raw, np.arange(80), targets)
        states.append(state.to_json())
        views.append(state.apply(raw, np.arange(80))[:80])
    assert states[0] == states[1]
    np.testing.assert_array_equal(views[0], views[1])
