"""The training loop against Lightning and against a plain loop over slices; five folds stacked and one by one."""

import logging
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence

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

ROWS, FEATURES, EPOCHS = 40_000, 30, 3
Shape = tuple[tuple[int, ...], int]  # widths of the hidden layers, batch size
LARGE: Shape = ((256, 128), 256)
SHAPES: tuple[Shape, ...] = (LARGE, ((128, 128), 64), ((32,), 32))  # the second is what a job has by default
REPEATS = 5
FOLDS = 5


def main(device: str = "") -> None:
    """Everything on the CPU in one thread, then on the GPU where torch has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in [device] if device else ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
            _compare(torch.device(name))
    finally:
        torch.set_num_threads(before)


def _compare(where: torch.device) -> None:
    x, y = torch.randn(ROWS, FEATURES), torch.randn(ROWS)
    rows = np.arange(ROWS)
    cut = ROWS * 49 // 50
    alone = [Part(0, 0, rows[:cut], rows[cut:], rows[cut:])]
    runs: dict[str, Callable[[], object]] = {
        "xltrain, one member": lambda: stack(x, y, alone, where, LARGE),
        "plain loop over slices": lambda: _plain(x, y, alone, where, LARGE),
    }
    try:
        import lightning  # noqa: F401
    except ImportError as error:
        print(f"Lightning is left out ({error}): pip install '.[bench]'")
    else:
        runs["Lightning, DataLoader"] = lambda: _lightning(x, y, cut, where, LARGE)
    _table(f"one training of {cut:,} rows: {named(LARGE)}, {where}", runs, cut * EPOCHS)

    folds = _folds()
    work = sum(len(fold.training) for fold in folds) * EPOCHS
    for shape in SHAPES:
        five: dict[str, Callable[[], object]] = {
            "xltrain, stacked": lambda: stack(x, y, folds, where, shape),  # noqa: B023
            "without dynamics": lambda: stack(x, y, folds, where, shape, follow=False),  # noqa: B023
            "xltrain, one by one": lambda: [stack(x, y, [fold], where, shape) for fold in folds],  # noqa: B023
            "plain, one by one": lambda: _plain(x, y, folds, where, shape),  # noqa: B023
        }
        _table(f"{FOLDS} folds of {len(folds[0].training):,} rows: {named(shape)}, {where}", five, work)


def named(shape: Shape) -> str:
    return f"{FEATURES}-{'-'.join(map(str, shape[0]))}-1, batch {shape[1]}"


def _table(title: str, runs: Mapping[str, Callable[[], object]], rows: int) -> None:
    """The median of several rounds in which every rival runs once, so that a busy moment hits all alike."""
    for run in runs.values():
        run()  # imports, allocations
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - began)
    seconds = {name: statistics.median(each) for name, each in taken.items()}
    print(f"\n{title}")
    print(f"{'':<24}{'seconds':>10}{'rows/s':>14}{'ratio':>8}")
    base = next(iter(seconds.values()))
    for name, each in seconds.items():
        print(f"{name:<24}{each:>10.2f}{rows / each:>14,.0f}{each / base:>8.2f}")


def _folds() -> list[Part]:
    """Fewer rows than the whole, so that five of them are about the work of one."""
    order = np.random.default_rng(0).permutation(ROWS // 4)
    held = np.array_split(order, FOLDS)
    parts = []
    for fold, out in enumerate(held):
        rest = np.setdiff1d(order, out)
        parts.append(Part(0, fold, rest[: len(rest) * 4 // 5], rest[len(rest) * 4 // 5 :], np.sort(out)))
    return parts


def stack(
    x: torch.Tensor,
    y: torch.Tensor,
    parts: Sequence[Part],
    device: torch.device,
    shape: Shape,
    follow: bool = True,
) -> None:
    """Our loop; validation once an epoch, and a note on how every row is learnt, as always."""
    members = members_of(parts, shape)
    arrays = Arrays(x.unsqueeze(0).to(device), y.unsqueeze(0).to(device), None, False)
    made = Stack(members, arrays, device, torch.float32)
    if follow:
        made.follow()
    train(made, [Course(member) for member in members], lambda *_: None)
    wait(device)


def members_of(
    parts: Sequence[Part], shape: Shape, rates: Sequence[float] = (1e-3,), epochs: int = EPOCHS
) -> list[Member]:
    """A member for each learning rate and fold."""
    state = State(np.ones(FEATURES), np.zeros(FEATURES), np.zeros(FEATURES))
    runs = [
        Run(
            f"{lr:.2g}",
            "y",
            models.call("mlp", *shape[0]),
            (Term(1.0, losses.call("mse")),),
            optimizers.call("adamw", lr=lr),
            (schedules.call("constant"),),
            epochs=epochs,
            batch_size=shape[1],
            patience=0,
            clip_norm=0,
        )
        for lr in rates
    ]
    return [Member(run, "y", "regression", part, fold, state, 0, 0) for run in runs for fold, part in enumerate(parts)]


def network(shape: Shape) -> torch.nn.Module:
    layers: list[torch.nn.Module] = []
    width = FEATURES
    for wide in shape[0]:
        layers += [torch.nn.Linear(width, wide), torch.nn.ReLU()]
        width = wide
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))


def _plain(x: torch.Tensor, y: torch.Tensor, parts: Sequence[Part], device: torch.device, shape: Shape) -> None:
    """What one writes by hand: shuffled slices of tensors, a fused optimizer."""
    for part in parts:
        inputs, targets = (each[torch.from_numpy(part.training)].to(device) for each in (x, y))
        others, wanted = (each[torch.from_numpy(part.validation)].to(device) for each in (x, y))
        model = network(shape).to(device)
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        for _ in range(EPOCHS):
            order = torch.randperm(len(inputs), device=device)
            for start in range(0, len(inputs), shape[1]):
                rows = order[start : start + shape[1]]
                loss = (model(inputs[rows]).squeeze(-1) - targets[rows]).square().mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                (model(others).squeeze(-1) - wanted).square().mean()
    wait(device)


def _lightning(x: torch.Tensor, y: torch.Tensor, cut: int, device: torch.device, shape: Shape) -> None:
    import lightning

    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network(shape)

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
            torch.utils.data.DataLoader(data(x[:cut], y[:cut]), batch_size=shape[1], shuffle=True),
            torch.utils.data.DataLoader(data(x[cut:], y[cut:]), batch_size=4096),
        )


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
