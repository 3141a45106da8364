"""`xltrain export`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_export"))
@click.argument("model", metavar="MODEL")
@click.option("-o", "--output", required=True, metavar="OUT.onnx", help=text("help_export_output"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(model: str, output: str, overwrite: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.export import export

    with progress() as listen:
        path = export(model, output, overwrite=overwrite, listen=listen)
    emit({"output": str(path)}, [text("export_wrote", path=path)])
