"""`xltrain fit`."""

from typing import TYPE_CHECKING

import click

from xltrain import language
from xltrain.cli.output import emit
from xltrain.language import text

if TYPE_CHECKING:
    from xltrain.workflow.fit import Fit


@click.command(help=text("help_fit"))
@click.argument("job_or_books", nargs=-1, required=True, metavar="JOB | BOOK...")
@click.option("--target", "-t", multiple=True, metavar="NAME", help=text("help_fit_target"))
@click.option("-o", "--output", metavar="RESULTS.xlsx", help=text("help_fit_output"))
@click.option("--set", "overrides", multiple=True, metavar="SHEET.FIELD=VALUE", help=text("help_fit_set"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help=text("help_fit_device"))
@click.option("--require", multiple=True, metavar="METRIC<VALUE", help=text("help_fit_require"))
@click.option("--strict", is_flag=True, help=text("help_fit_strict"))
@click.option("--resume", is_flag=True, help=text("help_fit_resume"))
@click.option("--tensorboard", metavar="DIR", help=text("help_fit_tensorboard"))
@click.option("--share", is_flag=True, help=text("help_fit_share"))
@click.option("--plan", "plan_alone", is_flag=True, help=text("help_fit_plan"))
def command(
    job_or_books: tuple[str, ...],
    target: tuple[str, ...],
    output: str | None,
    overrides: tuple[str, ...],
    device: str | None,
    require: tuple[str, ...],
    strict: bool,
    resume: bool,
    tensorboard: str | None,
    share: bool,
    plan_alone: bool,
) -> int:
    from xltrain.cli import INTERRUPTED
    from xltrain.cli.plan import as_json, plan_lines
    from xltrain.cli.progress import progress
    from xltrain.workflow.fit import fit, plan

    if plan_alone:
        with progress() as listen:
            planned = plan(job_or_books, target, overrides=overrides, device=device or "", strict=strict, listen=listen)
        emit({"plan": as_json(planned)}, plan_lines(planned))
        return 0
    with progress() as listen:
        done = fit(
            job_or_books,
            target,
            output,
            overrides=overrides,
            device=device or "",
            require=require,
            strict=strict,
            resume=resume,
            tensorboard=tensorboard,
            share=share,
            listen=listen,
        )
    with language.using(job=done.language):
        lines = _lines(done)
    emit(done.summary(), lines)
    return INTERRUPTED if done.result.interrupted else 0


def _lines(done: "Fit") -> list[str]:
    """What there is to say of a fit, in the language in force."""
    lines = [str(doubt) for doubt in done.report.doubts]
    lines += list(done.result.notes)
    winners = {target.target: target.winner for target in done.result.targets}
    lines += [text("told_as", word=f"{name} ({winners[name]})", told=words) for name, words in done.verdicts.items()]
    lines.append(text("fit_wrote", path=done.results))
    lines += [text("fit_shared", path=done.shared)] if done.shared else []
    lines += [*(text("fit_model", path=path) for path in done.models.values())]
    if done.result.interrupted:
        lines.append(text("fit_interrupted"))
    return lines
