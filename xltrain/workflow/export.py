"""Write a trained model in a format that other programs run."""

from pathlib import Path

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.engine.checkpoint import load_model
from xltrain.engine.export import check_onnx, to_onnx
from xltrain.errors import ConfigError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import replacing
from xltrain.language import text
from xltrain.place import Place, Problem
from xltrain.workflow.copies import check_unread


def export(model: str | Path, output: str | Path, *, overwrite: bool = False, listen: Listener = ignore) -> Path:
    """Write a model as an ONNX graph that has been checked against it; docs/export.md says how to use one.

    Args:
        model: a .safetensors file that `fit` wrote.
        output: a file that ends in .onnx.

    Raises:
        ConfigError: the packages of the extra `onnx` are missing, or another kind of file is asked for.
        WorkbookError: a file cannot be read or written.
        TrainingError: the graph cannot be written, or does not say what the model says.
    """
    path = Path(output)
    if path.suffix.lower() != ".onnx":
        raise ConfigError(Problem(Place(str(path)), text("export_suffix", found=path.name)))
    check_onnx()
    check_unread([path], [Path(model)])
    trained = load_model(Path(model))
    with replacing(path, overwrite) as temporary:
        temporary.write_bytes(to_onnx(trained))
    listen(Wrote(str(path)))
    return path
