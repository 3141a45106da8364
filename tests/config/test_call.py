"""What a cell means: literals and registered names, and nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xltrain.choices  # noqa: F401
from tests.calls import parse_call, parse_calls, parse_loss, parse_losses, parse_schedule, parse_values
from xltrain.config.tokens import ParseError


def messages(kind: str, cell: str) -> tuple[str, ...]:
    with pytest.raises(ParseError) as caught:
        parse_calls(kind, cell)
    return caught.value.messages


@pytest.mark.parametrize(
    ("kind", "cell", "meaning"),
    [
        ("losses", "huber(delta=0.5)", "huber(delta=0.5)"),
        ("losses", " HUBER ( 0.5 )", "huber(delta=0.5)"),
        ("optimizers", "adamw（lr＝３e-4，weight_decay：0.02）", "adamw(lr=0.0003, weight_decay=0.02)"),
        ("optimizers", "adam(betas=(0.8, 0.99))", "adam(betas=(0.8, 0.99))"),
        ("optimizers", "adam(betas=[0.8, 0.99])", "adam(betas=(0.8, 0.99))"),
        ("optimizers", "adamw(lr=1%)", "adamw(lr=0.01)"),
        ("models", "mlp(256, 128, norm=batch, dropout=0.1)", "mlp(256, 128, norm=batch, dropout=0.1)"),
        ("models", "mlp（64、32）", "mlp(64, 32)"),
        ("models", "mlp(residual=是)", "mlp(128, 128, residual=true)"),
        ("splits", 'group("branch name")', 'group(column="branch name")'),
        ("splits", "group(branch name)", 'group(column="branch name")'),
        ("splits", "group(区域)", "group(column=区域)"),
    ],
)
def test_a_call(kind: str, cell: str, meaning: str) -> None:
    assert str(parse_call(kind, cell)) == meaning
    assert str(parse_call(kind, meaning)) == meaning


def test_losses_add_and_scale() -> None:
    terms = parse_loss("0.7*mse + 0.3 * pinball(q=0.9)")
    assert [(term.scale, str(term.call)) for term in terms] == [(0.7, "mse"), (0.3, "pinball(q=0.9)")]
    nested = parse_loss("2*(mse + 0.5*mae)")
    assert [(term.scale, term.call.name) for term in nested] == [(2.0, "mse"), (1.0, "mae")]


def test_schedules_chain() -> None:
    assert [str(call) for call in parse_schedule("warmup(10%) > cosine(final=0.1)")] == [
        "warmup(length=0.1)",
        "cosine(final=0.1)",
    ]
    assert [call.name for call in parse_schedule("warmup＞plateau")] == ["warmup", "plateau"]


def test_alternatives_make_a_grid() -> None:
    rates = [call["lr"] for call in parse_calls("optimizers", "adamw(lr=1e-2|1e-3|1e-4)")]
    assert rates == [1e-2, 1e-3, 1e-4]
    assert len(parse_calls("optimizers", "adamw(lr=logspace(1e-5, 1e-1, 9), weight_decay=0|0.1)")) == 18
    assert [call.name for call in parse_calls("models", "linear | mlp(64|128)")] == ["linear", "mlp", "mlp"]
    assert [len(loss) for loss in parse_losses("mse | mse + mae")] == [1, 2]
    assert parse_values("linspace(0, 1, 3)") == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("kind", "cell", "words"),
    [
        ("losses", "hubber", ["unknown loss 'hubber'", "did you mean 'huber'?"]),
        ("losses", "adamw", ["adamw", "optimizer"]),
        ("losses", "huber(delta=-1)", ["delta must be above 0, got -1"]),
        ("losses", "huber(delt=1)", ["delt", "did you mean 'delta'?"]),
        ("losses", "huber(delta=1, delta=2)", ["delta"]),
        ("losses", "huber(delta=)", ["character"]),
        ("losses", "huber(", ["ends too early"]),
        ("losses", "huber)", ["')'"]),
        ("models", "mlp(64, norm=bach)", ["norm", "batch"]),
        ("models", "mlp(0)", ["hidden"]),
        ("models", "mlp(1.5)", ["whole number"]),
        ("optimizers", "adamw(lr=fast)", ["lr must be a number"]),
        ("optimizers", "adamw(betas=0.9)", ["2"]),
        ("optimizers", 'adamw("0.1', ["quote"]),
        ("optimizers", "adamw(lr=logspace(0, 1, 3))", ["above 0"]),
        ("optimizers", "__import__('os')", ["unknown optimizer"]),
        ("optimizers", "adamw(lr=(1).__class__)", []),
        ("metrics", "", ["empty"]),
        ("optimizers", "adamw(lr=linspace(1,2,99999))", ["99999"]),
        ("models", "(" * 50 + "mlp" + ")" * 50, ["nested"]),
    ],
)
def test_every_mistake_says_what_and_why(kind: str, cell: str, words: list[str]) -> None:
    found = messages(kind, cell)
    assert found
    assert all(any(word in message for message in found) for word in words), found


def test_every_mistake_of_a_cell_is_told_at_once() -> None:
    found = messages("optimizers", "adamw(lr=-1, weight_decay=-2, epss=1)")
    assert len(found) == 3


@pytest.mark.parametrize("cell", ["mse > mae", "-1*mse", "mse*mae", "2"])
def test_losses_that_mean_nothing(cell: str) -> None:
    with pytest.raises(ParseError):
        parse_loss(cell)


@pytest.mark.parametrize("cell", ["warmup", "cosine > cosine", "warmup > warmup"])
def test_schedules_that_mean_nothing(cell: str) -> None:
    with pytest.raises(ParseError):
        parse_schedule(cell)


@given(st.text(alphabet="adamw mlp()[],=|>+*-%.0123456789e（）｜：\"'“”，x\n", max_size=40))
def test_any_text_is_read_or_refused(cell: str) -> None:
    for parse in (lambda: parse_calls("optimizers", cell), lambda: parse_losses(cell), lambda: parse_values(cell)):
        with contextlib.suppress(ParseError):
            parse()
