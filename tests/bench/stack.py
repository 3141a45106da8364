"""64 runs of 5 folds as stacks, against the same trainings one after another with other tools.

`python -m tests.bench.stack`, `--quick` for 8 runs. Tools that would take minutes train some of the members, and their
time is scaled up. Where there is a GPU, the rates of larger stacks on it follow.
"""

import argparse
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch

from tests.bench.training import FEATURES, Shape, members_of, network, wait
from xltrain.data.split import Part
from xltrain.engine.device import arithmetic
from xltrain.engine.graph import updates
from xltrain.engine.loop import Course, train
from xltrain.engine.plan import Member, plan
from xltrain.engine.stack import Arrays, Stack

ROWS, EPOCHS, FOLDS = 2_000, 5, 5
SHAPE: Shape = ((64, 64), 64)
SOME = 20  # members that a slow rival trains
TURNS = 2
LARGE: Shape = ((256, 128), 1024)  # on a GPU
CPU = torch.device("cpu")

Rival = Callable[[Sequence[Member]], object]


def main(runs: int = 64) -> None:
    """Everything on the CPU in one thread, then the rates on a GPU where torch has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _compare(runs)
    finally:
        torch.set_num_threads(before)
    if torch.cuda.is_available():
        _gpu()


def _compare(runs: int) -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(ROWS, FEATURES)).astype(np.float32))
    y = x[:, 0] * x[:, 1] + 0.1 * torch.from_numpy(rng.normal(size=ROWS).astype(np.float32))
    members = members_of(_folds(rng), SHAPE, np.geomspace(1e-4, 1e-2, runs).tolist(), EPOCHS)
    rivals: dict[str, tuple[Rival, int]] = {
        "xltrain, stacks": (partial(_stacks, x, y), len(members)),
        "xltrain, one by one": (lambda some: [_stacks(x, y, [each]) for each in some], 4 * SOME),
        "plain torch loop": (lambda some: [_plain(x, y, each) for each in some], 4 * SOME),
        "scikit-learn": (lambda some: [_sklearn(x, y, each) for each in some], 4 * SOME),
    }
    for name, one in (("skorch", _skorch), ("lightning", _lightning)):
        try:
            __import__(name)
        except ImportError as error:
            print(f"{name} is left out ({error})")
        else:
            rivals[name] = (partial(_each, one, x, y), SOME)
    seconds: dict[str, float] = {}
    for turn in range(TURNS + 1):  # the first is for imports and allocations
        for name, (run, count) in rivals.items():
            some = members[:: max(1, len(members) // count)][:count]
            began = time.process_time()
            run(some if turn else some[: min(3, len(some))])
            taken = (time.process_time() - began) * len(members) / len(some)
            if turn:
                seconds[name] = min(taken, seconds.get(name, np.inf))
    rows = EPOCHS * sum(len(member.part.training) for member in members)
    bare = _bare(members, SHAPE, CPU) * EPOCHS
    widths = "-".join(map(str, (FEATURES, *SHAPE[0], 1)))
    print(
        f"{runs} runs x {FOLDS} folds of {widths}, {len(members[0].part.training):,} rows, {EPOCHS} epochs, batch "
        f"{SHAPE[1]}, adamw, one thread; {len(plan(members, FEATURES, 'cpu'))} stacks\n"
    )
    print("| | processor seconds | member-rows per second | times xltrain | share of bare products |")
    print("|---|---:|---:|---:|---:|")
    for name, each in {**seconds, "bare batched products": bare}.items():
        print(
            f"| {name} | {each:.1f} | {rows / each:,.0f} | {each / seconds['xltrain, stacks']:.1f} "
            f"| {bare / each:.0%} |"
        )


def _folds(rng: np.random.Generator) -> list[Part]:
    held = np.array_split(rng.permutation(ROWS), FOLDS)
    parts = []
    for fold, out in enumerate(held):
        rest = np.setdiff1d(np.arange(ROWS), out)
        parts.append(Part(0, fold, rest[len(rest) // 5 :], rest[: len(rest) // 5], out))
    return parts


def _stacks(x: torch.Tensor, y: torch.Tensor, members: Sequence[Member]) -> None:
    arrays = Arrays(x.unsqueeze(0), y.unsqueeze(0), None, False)
    for some in plan(members, FEATURES, "cpu"):
        made = Stack(some, arrays, CPU, torch.float32)
        made.follow()
        train(made, [Course(each) for each in some], lambda *_: None)


def _each(one: Rival, x: torch.Tensor, y: torch.Tensor, members: Sequence[Member]) -> None:
    for member in members:
        one(x, y, member)  # type: ignore[call-arg]


def _cut(x: torch.Tensor, y: torch.Tensor, member: Member) -> tuple[torch.Tensor, ...]:
    training, validation = (torch.from_numpy(each) for each in (member.part.training, member.part.validation))
    return x[training], y[training], x[validation], y[validation]


def _plain(x: torch.Tensor, y: torch.Tensor, member: Member) -> None:
    """What one writes by hand: shuffled slices of tensors, a fused optimizer."""
    inputs, targets, others, wanted = _cut(x, y, member)
    model = network(SHAPE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=member.run.optimizer["lr"], fused=True)
    for _ in range(EPOCHS):
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs), SHAPE[1]):
            rows = order[start : start + SHAPE[1]]
            loss = (model(inputs[rows]).squeeze(-1) - targets[rows]).square().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            (model(others).squeeze(-1) - wanted).square().mean()


def _sklearn(x: torch.Tensor, y: torch.Tensor, member: Member) -> None:
    from sklearn.neural_network import MLPRegressor

    inputs, targets, others, _ = (each.numpy() for each in _cut(x, y, member))
    model = MLPRegressor(
        hidden_layer_sizes=SHAPE[0],
        batch_size=SHAPE[1],
        max_iter=EPOCHS,
        learning_rate_init=member.run.optimizer["lr"],
        tol=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        model.fit(inputs, targets)
    model.predict(others)


def _skorch(x: torch.Tensor, y: torch.Tensor, member: Member) -> None:
    import skorch
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    inputs, targets, others, wanted = _cut(x, y, member)
    skorch.NeuralNetRegressor(
        network(SHAPE),
        optimizer=torch.optim.AdamW,
        lr=member.run.optimizer["lr"],
        max_epochs=EPOCHS,
        batch_size=SHAPE[1],
        iterator_train__shuffle=True,
        train_split=predefined_split(Dataset(others.numpy(), wanted.unsqueeze(1).numpy())),
        verbose=0,
    ).fit(inputs.numpy(), targets.unsqueeze(1).numpy())


def _lightning(x: torch.Tensor, y: torch.Tensor, member: Member) -> None:
    import lightning

    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network(SHAPE)

        def training_step(self, batch: Sequence[torch.Tensor], _: int) -> torch.Tensor:
            return (self.network(batch[0]).squeeze(-1) - batch[1]).square().mean()

        def validation_step(self, batch: Sequence[torch.Tensor], _: int) -> None:
            self.training_step(batch, _)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=member.run.optimizer["lr"])

    inputs, targets, others, wanted = _cut(x, y, member)
    loader, data = torch.utils.data.DataLoader, torch.utils.data.TensorDataset
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=EPOCHS, accelerator="cpu", num_sanity_val_steps=0, **dict.fromkeys(quiet, False)
        )
        trainer.fit(
            Module(),
            loader(data(inputs, targets), batch_size=SHAPE[1], shuffle=True),
            loader(data(others, wanted), batch_size=4096),
        )


def _bare(members: Sequence[Member], shape: Shape, device: torch.device) -> float:
    """Seconds that the batched matrix products of one epoch take, forward and backward, and nothing else."""
    count, widths = len(members), (FEATURES, *shape[0], 1)
    layers = [
        (
            torch.randn(count, shape[1], a, device=device),
            torch.randn(count, a, b, device=device),
            torch.randn(count, shape[1], b, device=device),
        )
        for a, b in pairwise(widths)
    ]

    def step() -> None:
        for index, (inputs, weights, grad) in enumerate(layers):
            torch.bmm(inputs, weights)
            torch.bmm(inputs.mT, grad)
            if index:
                torch.bmm(grad, weights.mT)

    clock = time.perf_counter if device.type == "cuda" else time.process_time
    best = np.inf
    for _ in range(5):
        began = clock()
        for _ in range(10):
            step()
        wait(device)
        best = min(best, (clock() - began) / 10)
    return float(best) * max(len(member.part.training) for member in members) / shape[1]


def _gpu(rows: int = 262_144, steps: int = 200) -> None:
    """Member-rows per second of the step alone, batches of 1024, on a GPU."""
    device = torch.device("cuda")
    x, y = torch.randn(rows, FEATURES, device=device), torch.randn(rows, device=device)
    cut = rows * 49 // 50
    part = [Part(0, 0, np.arange(cut), np.arange(cut, rows), np.arange(cut, rows))]
    arrays = Arrays(x.unsqueeze(0), y.unsqueeze(0), None, False)
    for count in (64, 1):
        for asked in ("float32", "tf32", "bfloat16"):
            members = members_of(part, LARGE, np.geomspace(1e-4, 1e-2, count).tolist(), 1)
            with arithmetic(asked, device):
                stack = Stack(members, arrays, device, torch.float32)
                update, lr = updates(stack), torch.full((count, 1), 1e-3, device=device)
                taken = []
                for _ in range(TURNS + 1):
                    batches = stack.batches(stack.epoch_order(), np.ones(count, bool))
                    wait(device)
                    began = time.perf_counter()
                    for done, batch in enumerate(batches, 1):
                        update(batch, lr)
                        if done == steps:
                            break
                    wait(device)
                    taken.append((time.perf_counter() - began) / done)
                bare = _bare(members, LARGE, device) * LARGE[1] / cut
            rate = count * LARGE[1] / min(taken[1:])
            print(
                f"cuda, {count} members, {asked}: {rate / 1e6:.1f} million member-rows/s, {bare / min(taken[1:]):.0%}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="8 runs instead of 64")
    main(8 if parser.parse_args().quick else 64)
