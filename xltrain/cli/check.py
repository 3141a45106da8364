"""`xltrain check`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_check"))
@click.argument("job", metavar="JOB")
@click.option("--set", "overrides", multiple=True, metavar="SHEET.FIELD=VALUE", help=text("help_fit_set"))
@click.option("--mark", metavar="FILE", help=text("help_check_mark"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(job: str, overrides: tuple[str, ...], mark: str | None, overwrite: bool) -> None:
    from xltrain.errors import ConfigError
    from xltrain.workflow.check import check

    done = check(job, overrides)
    if done.problems or done.job is None:
        if mark is not None:
            from xltrain.workflow.mark import mark_job

            marked = mark_job(job, done.problems, mark, overwrite=overwrite)
            raise ConfigError([*done.problems, *marked])
        raise ConfigError(done.problems)
    counts = {"runs": len(done.job.runs), "columns": len(done.job.columns), "sources": len(done.job.sources)}
    emit(done.summary(), [text("check_fine", path=done.path, **counts)])
