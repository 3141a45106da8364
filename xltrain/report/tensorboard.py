"""The curves as event files that TensorBoard reads: one folder for each run, with its losses and learning rate."""

import re
from pathlib import Path

from xltrain.engine.result import Result, RunResult
from xltrain.errors import ConfigError, WorkbookError
from xltrain.language import text
from xltrain.place import Place, Problem


def check_tensorboard(folder: Path) -> None:
    """Before any training: ConfigError where the package is missing, WorkbookError where the folder cannot be made."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            Problem(None, text("tensorboard_missing", name=error.name), text("tensorboard_missing_hint"))
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = text("output_not_writable_hint")
        raise WorkbookError(Problem(Place(str(folder)), text("output_not_writable", reason=reason), hint)) from error


def write_tensorboard(folder: Path, result: Result) -> None:
    """Write every run's curves, averaged over its members as in the workbook, below `folder`."""
    several, taken = len(result.targets) > 1, set[str]()
    for target in result.targets:
        for run in target.runs:
            name = number = _clean(f"{run.name} {target.target}" if several else run.name)
            while number.casefold() in taken:
                number = f"{name} {len(taken)}"
            taken.add(number.casefold())
            _write(folder / number, run)


def _write(folder: Path, run: RunResult) -> None:
    from tensorboardX import SummaryWriter

    curves = run.curves
    lines = {"loss/training": curves.training, "loss/validation": curves.validation, "lr": curves.lr}
    for name, (training, validation) in curves.parts.items():
        tag = re.sub(r"[^-\w.]+", "_", f"loss {name}").strip("_")  # all that a tag may hold
        lines |= {f"{tag}/training": training, f"{tag}/validation": validation}
    with SummaryWriter(str(folder)) as writer:
        for tag, values in lines.items():
            for epoch, value in enumerate(values, 1):
                writer.add_scalar(tag, float(value), epoch)


def _clean(name: str) -> str:
    """A name without what a system forbids in one."""
    return re.sub(r'[<>:"/\\|?*\s\x00-\x1f]+', " ", name).strip(" .") or "run"
