"""Each optimizer equals torch.optim or its paper; members with other rates do not touch each other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import xltrain.choices  # noqa: F401
from xltrain.choices.optimizers.orthogonal import orthogonal
from xltrain.registry import Choice, optimizers

THEIRS: dict[str, Any] = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
}
CASES = [
    ("sgd", {"lr": 0.05, "momentum": 0.0, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("sgd", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3}),
    ("adagrad", {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.05}),
    ("rmsprop", {"lr": 0.01, "momentum": 0.5, "centered": True}),
    ("rmsprop", {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.1}),
    ("adam", {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    ("adamw", {"lr": 0.02, "weight_decay": 0.3}),
    ("adamw", {"lr": 0.02}),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.05, "momentum": 0.0, "dampening": 0.5}),
    ("adagrad", {"lr": 0.1, "eps": 0.1}),
    ("rmsprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "eps": 0.1, "weight_decay": 0.1}),
    ("adam", {"lr": 0.02, "betas": (0.0, 0.9), "eps": 0.1}),
    ("adamw", {"lr": 0.02, "betas": (0.5, 0.0), "weight_decay": 0.0}),
    ("adadelta", {}),
    ("adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
    ("nadam", {"lr": 0.02, "weight_decay": 0.1}),
    ("nadam", {"lr": 0.02, "momentum_decay": 0.1, "decoupled_weight_decay": False, "weight_decay": 0.1}),
    ("nadam", {"lr": 0.02, "betas": (0.5, 0.9), "eps": 0.1}),
    ("radam", {"lr": 0.02, "weight_decay": 0.1}),
    ("radam", {"lr": 0.02, "betas": (0.8, 0.95), "decoupled_weight_decay": False, "weight_decay": 0.1}),
    ("radam", {"lr": 0.02, "betas": (0.9, 0.5), "eps": 0.1}),  # a memory too short to be trusted ever
    ("adamax", {"lr": 0.02, "weight_decay": 0.1}),
    ("adamax", {"lr": 0.02, "betas": (0.5, 0.9), "eps": 0.1}),
]
START = torch.linspace(-2, 2, 7, dtype=torch.float64)
Moves = Callable[[torch.Tensor], torch.Tensor]


def settings(choice: Choice, given: dict[str, Any], members: int = 1) -> dict[str, Any]:
    """Hyperparameters as the engine hands them over: numbers as (members, 1)."""
    values = {parameter.name: given.get(parameter.name, parameter.default) for parameter in choice.parameters}
    varies = {parameter.name for parameter in choice.parameters if parameter.varies}
    return {
        name: torch.full((members, 1), float(value), dtype=torch.float64) if name in varies else value
        for name, value in values.items()
    }


def descend(choice: Choice, start: torch.Tensor, values: dict[str, Any], steps: int = 50) -> torch.Tensor:
    """Minimise an uneven quartic; the weights that count."""
    weights = start.clone()
    varies = {parameter.name for parameter in choice.parameters if parameter.varies}
    structure = {name: value for name, value in values.items() if name not in varies}
    state = {name: torch.zeros_like(weights) for name in choice.facts["state"]}
    state |= choice.facts["start"](weights, **structure) if "start" in choice.facts else {}
    for step in range(1, steps + 1):
        count = torch.full((len(weights), 1), float(step), dtype=torch.float64, device=weights.device)
        more: tuple[Any, ...] = ((),) if choice.facts.get("matrices") else ()
        if choice.facts.get("closure"):
            more = (height(weights), lambda there: (height(there), gradient(there)))
        weights, state = choice.function(weights, gradient(weights), state, count, *more, **values)
    return state[choice.facts["evaluates"]] if "evaluates" in choice.facts else weights


def height(weights: torch.Tensor) -> torch.Tensor:
    scale = torch.linspace(0.5, 2.0, weights.shape[-1], dtype=torch.float64)
    return (0.5 * scale * (weights - 1) ** 2 + 0.025 * weights**4).sum(-1, keepdim=True)


def gradient(weights: torch.Tensor) -> torch.Tensor:
    scale = torch.linspace(0.5, 2.0, weights.shape[-1], dtype=torch.float64, device=weights.device)
    return scale * (weights - 1) + 0.1 * weights**3


def plain(name: str, given: dict[str, Any], steps: int = 50) -> torch.Tensor:
    """The weights after as many steps of torch's own optimizer."""
    choice = optimizers[name]
    known = {parameter.name: given.get(parameter.name, parameter.default) for parameter in choice.parameters}
    theirs = START.clone().requires_grad_()
    optimizer = THEIRS[name]([theirs], **known)
    for _ in range(steps):
        theirs.grad = gradient(theirs.detach())
        optimizer.step()
    return theirs.detach()


@pytest.fixture
def double() -> Iterator[None]:
    """torch's nadam keeps a product in the precision of scalars."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(("name", "given"), CASES)
def test_equals_torch(name: str, given: dict[str, Any]) -> None:
    """Two members at once, the second at half the rate and another weight decay."""
    other = {**given, "lr": given.get("lr", 1.0) / 2, "weight_decay": 0.05}
    pair = [settings(optimizers[name], each) for each in (given, other)]
    values = {
        key: torch.cat([one, two]) if isinstance(one, torch.Tensor) else one
        for (key, one), two in zip(pair[0].items(), pair[1].values(), strict=True)
    }
    ours = descend(optimizers[name], START.repeat(2, 1), values)
    torch.testing.assert_close(ours[0], plain(name, given), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ours[1], plain(name, other), rtol=1e-9, atol=1e-11)


def lion(lr: float, weight_decay: float) -> torch.Tensor:
    """Algorithm 2 of Chen et al. 2023."""
    w, m = START.clone(), torch.zeros(7, dtype=torch.float64)
    for _ in range(50):
        g = gradient(w)
        c = 0.9 * m + (1 - 0.9) * g
        w = w - lr * (c.sign() + weight_decay * w)
        m = 0.99 * m + (1 - 0.99) * g
    return w


def adan(lr: float, weight_decay: float) -> torch.Tensor:
    """Algorithm 1 of Xie et al. 2022 with the corrections of the authors' package; its betas are one minus these."""
    b1, b2, b3 = 0.98, 0.92, 0.99
    w = START.clone()
    m = v = n = torch.zeros(7, dtype=torch.float64)
    last = gradient(w)
    for k in range(1, 51):
        g = gradient(w)
        d, last = g - last, g
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * d
        n = b3 * n + (1 - b3) * (g + b2 * d) ** 2
        eta = lr / ((n / (1 - b3**k)).sqrt() + 1e-8)
        w = (w - eta * (m / (1 - b1**k) + b2 * v / (1 - b2**k))) / (1 + weight_decay * lr)
    return w


def schedule_free(lr: float, weight_decay: float) -> torch.Tensor:
    """Algorithm 1 of Defazio et al. 2024, without warm-up."""
    b1, b2, total = 0.9, 0.999, 0.0
    x = z = START.clone()
    v = torch.zeros(7, dtype=torch.float64)
    for t in range(1, 51):
        y = (1 - b1) * z + b1 * x
        g = gradient(y)
        v = b2 * v + (1 - b2) * g**2
        rate = lr * (1 - b2**t) ** 0.5
        z = z - rate * g / (v.sqrt() + 1e-8) - rate * weight_decay * y
        total += rate**2
        x = (1 - rate**2 / total) * x + rate**2 / total * z
    return x


@pytest.mark.parametrize("paper", [lion, adan, schedule_free])
def test_equals_its_paper(paper: Callable[[float, float], torch.Tensor]) -> None:
    choice = optimizers[paper.__name__]
    values = settings(choice, {}, 2)
    values["lr"] = torch.tensor([[0.05], [0.01]], dtype=torch.float64)
    values["weight_decay"] = torch.tensor([[0.1], [0.0]], dtype=torch.float64)
    ours = descend(choice, START.repeat(2, 1), values)
    torch.testing.assert_close(ours[0], paper(0.05, 0.1), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ours[1], paper(0.01, 0.0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_equals_torch_on_matrices_and_adamw_elsewhere(
    shape: tuple[int, int], nesterov: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch turns matrices in 16 bits, which is lifted here, and keeps them (out, in), which changes nothing."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    rows, columns = shape
    size = rows * columns
    start = torch.randn(size + 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    choice = optimizers["muon"]
    values = settings(choice, {"nesterov": nesterov}, 2)
    values["lr"] = torch.tensor([[0.02], [0.005]], dtype=torch.float64)
    values["momentum"] = torch.tensor([[0.95], [0.8]], dtype=torch.float64)
    values["weight_decay"] = torch.tensor([[0.1], [0.3]], dtype=torch.float64)
    weights = start.repeat(2, 1)
    state = {name: torch.zeros_like(weights) for name in choice.facts["state"]}
    for step in range(1, 51):
        count = torch.full((2, 1), float(step), dtype=torch.float64)
        weights, state = choice.function(weights, gradient(weights), state, count, ((0, rows, columns),), **values)
    for member, (lr, momentum, decay) in enumerate(((0.02, 0.95, 0.1), (0.005, 0.8, 0.3))):
        matrix = start[:size].view(rows, columns).clone().requires_grad_()
        rest = start[size:].clone().requires_grad_()
        both = (
            torch.optim.Muon(
                [matrix], lr, decay, momentum, nesterov=nesterov, adjust_lr_fn="match_rms_adamw", eps=1e-7
            ),
            torch.optim.AdamW([rest], lr, weight_decay=decay),
        )
        for _ in range(50):
            flat = gradient(torch.cat([matrix.detach().flatten(), rest.detach()]))
            matrix.grad, rest.grad = flat[:size].view(rows, columns), flat[size:]
            for optimizer in both:
                optimizer.step()
        theirs = torch.cat([matrix.detach().flatten(), rest.detach()])
        torch.testing.assert_close(weights[member], theirs, rtol=1e-9, atol=1e-11)


def test_orthogonal_steps_have_singular_values_near_one() -> None:
    matrix = torch.randn(3, 20, 8, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrix, 5))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_lbfgs_finds_the_optimum_that_torch_finds() -> None:
    """Logistic regression with two strengths of decay at once."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(60, 5, dtype=torch.float64, generator=generator) * torch.tensor([0.1, 1, 3, 10, 30])
    y = (x @ torch.tensor([1.0, -1, 0.5, 0.1, -0.05], dtype=torch.float64) + torch.randn(60, generator=generator)) > 0
    sign = y.double() * 2 - 1
    decays = (0.01, 1.0)

    def look(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        margin = sign * (weights @ x.T)
        pull = -sign * torch.sigmoid(-margin)
        return torch.nn.functional.softplus(-margin).mean(1, keepdim=True), pull @ x / len(x)

    choice = optimizers["lbfgs"]
    values = settings(choice, {}, 2)
    values["weight_decay"] = torch.tensor([[decay] for decay in decays], dtype=torch.float64)
    weights = torch.zeros(2, 5, dtype=torch.float64)
    state = choice.facts["start"](weights, history=10)
    for step in range(1, 51):
        loss, grad = look(weights)
        count = torch.full((2, 1), float(step), dtype=torch.float64)
        weights, state = choice.function(weights, grad, state, count, loss, look, **values)
    for member, decay in enumerate(decays):
        theirs = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [theirs], max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-12, tolerance_change=1e-15
        )

        def closure(theirs: torch.Tensor = theirs, decay: float = decay) -> torch.Tensor:
            theirs.grad = None
            loss = torch.nn.functional.softplus(-sign * (x @ theirs)).mean() + decay / 2 * theirs.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        torch.testing.assert_close(weights[member], theirs.detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted(set(optimizers) - {"lbfgs"}))
def test_stays_on_its_device(name: str) -> None:
    """A device without numbers: whatever is made elsewhere cannot meet what is there."""
    choice = optimizers[name]
    values = settings(choice, {}, 2)
    there = {key: value.to("meta") if isinstance(value, torch.Tensor) else value for key, value in values.items()}
    moved = descend(choice, START.repeat(2, 1).to("meta"), there, 2)
    assert moved.device.type == "meta"


def test_every_optimizer_has_its_reference() -> None:
    assert set(optimizers) == set(THEIRS) | {"lion", "adan", "schedule_free", "muon", "lbfgs"}


@pytest.mark.parametrize("name", sorted(optimizers))
def test_members_do_not_touch_each_other(name: str) -> None:
    choice = optimizers[name]
    together = settings(choice, {}, 3)
    together["lr"] = torch.tensor([[0.1], [0.01], [0.001]], dtype=torch.float64)
    stacked = descend(choice, START.repeat(3, 1), together, 20)
    for member, lr in enumerate((0.1, 0.01, 0.001)):
        alone = descend(choice, START.unsqueeze(0), settings(choice, {"lr": lr}), 20)[0]
        torch.testing.assert_close(stacked[member], alone, rtol=1e-12, atol=1e-14)
