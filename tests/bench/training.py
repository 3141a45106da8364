"""The training loop against Lightning and against a plain loop over slices; five folds stacked and one by one."""

import contextlib
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch

import xltrain.choices  # noqa: F401
from xltrain.config.settings import Run
from xltrain.data.encode import State
from xltrain.data.split import Part
from xltrain.engine.loop import Course, train
from xltrain.engine.plan import Member
from xltrain.engine.stack import Arrays, Stack
from xltrain.registry import Term, losses, models, optimizers, schedules

ROWS, FEATURES, BATCH, EPOCHS = 40_000, 30, 256, 3
WIDTHS = (256, 128)
REPEATS = 3
FOLDS = 5


def main(device: str = "") -> None:
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    x, y = torch.randn(ROWS, FEATURES), torch.randn(ROWS)
    rows = np.arange(ROWS)
    cut = ROWS * 49 // 50
    alone = [Part(0, 0, rows[:cut], rows[cut:], rows[cut:])]
    runs: dict[str, Callable[[], None]] = {
        "xltrain, one member": lambda: _stack(x, y, alone, where),
        "plain loop over slices": lambda: _plain(x, y, cut, where),
    }
    with contextlib.suppress(ImportError):
        import lightning  # noqa: F401

        runs["Lightning, DataLoader"] = lambda: _lightning(x, y, cut, where)
    seconds = {name: _median(run) for name, run in runs.items()}
    _table(
        f"training: {FEATURES}-{'-'.join(map(str, WIDTHS))}-1, batch {BATCH}, {cut:,} rows, {where}",
        seconds,
        cut * EPOCHS,
    )
    if "Lightning, DataLoader" not in runs:
        print("Lightning is not installed: pip install '.[bench]'")

    folds = _folds()
    work = sum(len(fold.training) for fold in folds) * EPOCHS
    for widths, batch in ((WIDTHS, BATCH), ((128, 128), 64), ((32,), 32)):
        together = _median(lambda: _stack(x, y, folds, where, widths, batch))  # noqa: B023
        apart = _median(lambda: [_stack(x, y, [fold], where, widths, batch) for fold in folds])  # noqa: B023
        title = f"{FOLDS} folds: {FEATURES}-{'-'.join(map(str, widths))}-1, batch {batch}, {where}"
        _table(title, {"stacked": together, "one by one": apart}, work)


def _table(title: str, seconds: dict[str, float], rows: int) -> None:
    print(f"\n{title}")
    print(f"{'':<24}{'seconds':>10}{'rows/s':>14}{'ratio':>8}")
    base = next(iter(seconds.values()))
    for name, taken in seconds.items():
        print(f"{name:<24}{taken:>10.2f}{rows / taken:>14,.0f}{taken / base:>8.2f}")


def _folds() -> list[Part]:
    """Fewer rows than the whole, so that five of them are about the work of one."""
    order = np.random.default_rng(0).permutation(ROWS // 4)
    held = np.array_split(order, FOLDS)
    parts = []
    for fold, out in enumerate(held):
        rest = np.setdiff1d(order, out)
        parts.append(Part(0, fold, rest[: len(rest) * 4 // 5], rest[len(rest) * 4 // 5 :], np.sort(out)))
    return parts


def _stack(
    x: torch.Tensor,
    y: torch.Tensor,
    parts: Sequence[Part],
    device: torch.device,
    widths: Sequence[int] = WIDTHS,
    batch: int = BATCH,
) -> None:
    """Our loop; validation once an epoch, as always."""
    run = Run(
        "bench",
        "y",
        models.call("mlp", *widths),
        (Term(1.0, losses.call("mse")),),
        optimizers.call("adamw"),
        (schedules.call("constant"),),
        epochs=EPOCHS,
        batch_size=batch,
        patience=0,
        clip_norm=0,
    )
    state = State(np.ones(FEATURES), np.zeros(FEATURES), np.zeros(FEATURES))
    members = [Member(run, "y", "regression", part, fold, state, 0, 0) for fold, part in enumerate(parts)]
    arrays = Arrays(x.unsqueeze(0).to(device), y.unsqueeze(0).to(device), None, False)
    train(Stack(members, arrays, device, torch.float32), [Course(member) for member in members], lambda *_: None)
    _wait(device)


def _network() -> torch.nn.Module:
    layers: list[torch.nn.Module] = []
    width = FEATURES
    for wide in WIDTHS:
        layers += [torch.nn.Linear(width, wide), torch.nn.ReLU()]
        width = wide
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))


def _plain(x: torch.Tensor, y: torch.Tensor, cut: int, device: torch.device) -> None:
    """What one writes by hand: shuffled slices of tensors, a fused optimizer."""
    x, y = x.to(device), y.to(device)
    network = _network().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    for _ in range(EPOCHS):
        order = torch.randperm(cut, device=device)
        for start in range(0, cut, BATCH):
            rows = order[start : start + BATCH]
            loss = (network(x[rows]).squeeze(-1) - y[rows]).square().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            (network(x[cut:]).squeeze(-1) - y[cut:]).square().mean()
    _wait(device)


def _lightning(x: torch.Tensor, y: torch.Tensor, cut: int, device: torch.device) -> None:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = _network()

        def training_step(self, batch: Sequence[torch.Tensor], _: int) -> torch.Tensor:
            return (self.network(batch[0]).squeeze(-1) - batch[1]).square().mean()

        def validation_step(self, batch: Sequence[torch.Tensor], _: int) -> None:
            self.training_step(batch, _)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters())

    data = torch.utils.data.TensorDataset
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    kind = "gpu" if device.type == "cuda" else "cpu"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(max_epochs=EPOCHS, accelerator=kind, num_sanity_val_steps=0, **quiet)
        trainer.fit(
            Module(),
            torch.utils.data.DataLoader(data(x[:cut], y[:cut]), batch_size=BATCH, shuffle=True),
            torch.utils.data.DataLoader(data(x[cut:], y[cut:]), batch_size=4096),
        )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _median(run: Callable[[], object]) -> float:
    run()  # imports, allocations
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    main()
