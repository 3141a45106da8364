"""`xltrain suggest`."""

import click

from xltrain.cli.output import emit
from xltrain.language import label, text


@click.command(help=text("help_suggest"))
@click.argument("sources", nargs=-1, required=True, metavar="BOOK...")
@click.option("--target", "-t", multiple=True, required=True, metavar="NAME", help=text("help_fit_target"))
def command(sources: tuple[str, ...], target: tuple[str, ...]) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.suggest import suggest

    with progress() as listen:
        found = suggest(sources, target, listen)
    lines = []
    for each in found:
        lines += [
            text("suggest_for", target=each.target, task=label(each.task)),
            *(f"  {line}" for line in each.lines()),
        ]
    lines.append(text("suggest_next", books=sources, target=target[0]))
    emit(
        {
            "targets": [
                {
                    "target": each.target,
                    "task": each.task,
                    "runs": [
                        {
                            "name": run.name,
                            "model": str(run.model),
                            "loss": " + ".join(map(str, run.loss)),
                            "optimizer": str(run.optimizer),
                            "batch_size": run.batch_size,
                            "reason": run.note,
                        }
                        for run in each.runs
                    ],
                }
                for each in found
            ]
        },
        lines,
    )
