"""`xltrain list`."""

from typing import Any

import click

from xltrain.cli.output import emit, wants_json, write_json
from xltrain.language import text


@click.command(help=text("help_list"))
@click.argument("kind", default="", metavar="[KIND|MODEL]")
@click.argument("name", default="", metavar="[NAME]")
@click.option("--plot", "picture", metavar="FILE", help=text("help_list_plot"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(kind: str, name: str, picture: str | None, overwrite: bool) -> None:
    from xltrain.workflow.listing import listing, names_model, plot

    if picture is not None:
        drawn = plot(kind, name, picture, overwrite=overwrite)
        size = dict(zip(("width", "height"), drawn.pixels, strict=True))
        line = text("plot_wrote", path=picture, schedule=name, **size)
        emit({"output": picture, "schedule": name, "width": drawn.width, "height": drawn.height}, [line])
        return
    if overwrite:
        raise click.UsageError(text("list_overwrite_alone"))
    if names_model(kind):
        from pathlib import Path

        from xltrain.workflow.models import model_lines, model_listing

        if wants_json():
            write_json(model_listing(Path(kind)))
        else:
            emit({}, model_lines(Path(kind)))
        return
    found = listing(kind, name)
    lines = [] if kind else [text("list_hint"), ""]
    for each, choices in found.items():
        lines += _details(choices) if kind else [f"{each:<11} {', '.join(choice['name'] for choice in choices)}"]
    emit(found, lines)


def _details(choices: list[dict[str, Any]]) -> list[str]:
    """One choice after the other: its summary, then a line for each parameter."""
    lines = []
    width = max((len(each["name"]) for choice in choices for each in choice["parameters"]), default=0)
    for choice in choices:
        lines += [choice["name"], f"    {choice['summary']}"]
        for each in choice["parameters"]:
            default = text("list_required") if each["required"] else text("list_default", value=each["default"])
            lines.append(f"      {each['name']:<{width}}  {each['about']} ({each['limits']}; {default})")
        lines.append("")
    return lines[:-1]
