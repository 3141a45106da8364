"""Starter jobs: what `xltrain new --template` writes and `templates/` holds."""

from collections.abc import Callable, Mapping

from xltrain.config.rows import Cells, Rows, starter_rows
from xltrain.language import text

SOURCE = "data.xlsx"


def _job(task: str, targets: tuple[str, ...], runs: list[Cells], **settings: object) -> Rows:
    columns = [{"name": name, "role": "target"} for name in targets]
    return starter_rows(Job=[{"task": task, **settings}], Sources=[{"path": SOURCE}], Columns=columns, Runs=runs)


def _run(name: str, model: str, loss: str, note: str, lr: str = "1e-3", **more: object) -> Cells:
    return {"name": name, "model": model, "loss": loss, "optimizer": f"adamw(lr={lr})", "note": text(note), **more}


def regression() -> Rows:
    """An amount."""
    runs = [
        _run("linear", "linear", "mse", "note_linear", "1e-2"),
        _run("mlp", "mlp(128, 128)", "huber", "note_mlp", "3e-3"),
        _run("mlp norm", "mlp(128, 128, norm=layer, dropout=0.1)", "mse", "note_mlp_norm", "3e-3"),
        _run("mlp wide", "mlp(256, 256)", "mae", "note_mlp_wide", "2e-3"),
        _run("mlp deep", "mlp(128, 128, 128, residual=true)", "mse", "note_mlp_residual", "2e-3"),
    ]
    return _job("regression", ("price",), runs, name="regression", metric="rmse")


def classification() -> Rows:
    """A class."""
    runs = [
        _run("linear", "linear", "cross_entropy", "note_class_linear", "1e-2"),
        _run("mlp", "mlp(128, 128)", "cross_entropy", "note_class_mlp"),
        _run("mlp norm", "mlp(128, 128, norm=layer, dropout=0.1)", "cross_entropy", "note_class_norm"),
        _run("mlp smooth", "mlp(256, 256, dropout=0.1)", "cross_entropy(label_smoothing=0.1)", "note_class_smooth"),
        _run("mlp focal", "mlp(128, 128)", "focal", "note_class_focal"),
    ]
    return _job("classification", ("kind",), runs, name="classification", metric="log_loss")


def several_targets() -> Rows:
    """Two amounts, each with a winner of its own."""
    runs = [
        _run("linear", "linear", "mse", "note_linear", "1e-2"),
        _run("mlp", "mlp(128, 128)", "huber", "note_mlp", "3e-3"),
        _run("mlp norm", "mlp(128, 128, norm=layer, dropout=0.1)", "mse", "note_mlp_norm", "3e-3"),
    ]
    return _job("regression", ("heating", "cooling"), runs, name="several targets", metric="rmse")


def sweep() -> Rows:
    """Grids: many runs from a few rows."""
    runs = [
        _run("lr", "mlp(128, 128)", "mse", "note_sweep_lr", "logspace(1e-4, 1e-1, 9)"),
        _run("width", "mlp(64|128|256, dropout=0|0.1|0.2)", "mse", "note_sweep_width"),
        {
            **_run("optimizer", "mlp(128, 128)", "mse", "note_sweep_optimizer"),
            "optimizer": "sgd | rmsprop | adam | adamw",
        },
    ]
    return _job("regression", ("price",), runs, name="sweep", metric="rmse")


STARTERS: Mapping[str, Callable[[], Rows]] = {
    "regression": regression,
    "classification": classification,
    "several-targets": several_targets,
    "sweep": sweep,
}
