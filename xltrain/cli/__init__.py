"""The command line: a thin twin of the library. The only room that imports click or prints.

Every command is a module of its own with a click command named `command`; it is imported when it is called, so that
`--help` stays fast. Every command takes `--json` and `--language`.
"""

import importlib
import itertools
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from xltrain import __version__, language
from xltrain.cli.output import emit_problems
from xltrain.errors import XltrainError
from xltrain.language import listed, text
from xltrain.place import Problem

# The module of `xltrain list` hides the builtin of that name in this package.
COMMANDS = (
    "new",
    "suggest",
    "check",
    "merge",
    "audit",
    "fit",
    "predict",
    "annotate",
    "apply",
    "compare",
    "export",
    "shot",
    "list",
)
INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands are imported at first use and described from the language files."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"xltrain.cli.{name}").command
        if "json" not in {parameter.name for parameter in command.params}:
            command.params += [_json_option(), _language_option()]
        command.get_help_option = _help_option  # type: ignore[method-assign,assignment]
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from xltrain.registry import unknown

            raise click.UsageError(unknown(text("word_command"), args[0], COMMANDS), context)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, without importing any of them."""
        with formatter.section(text("help_commands")):
            formatter.write_dl([(name, text(f"help_{name}").partition("\n")[0]) for name in COMMANDS])

    def get_help_option(self, context: click.Context) -> click.Option:
        return _help_option(context)


def _keep_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.find_root().meta["xltrain.json"] = True


def _keep_language(_: click.Context, __: click.Parameter, value: str) -> None:
    if value:
        language.use(value)


def _json_option() -> click.Option:
    return click.Option(
        ["--json"], is_flag=True, expose_value=False, is_eager=True, callback=_keep_json, help=text("help_option_json")
    )


def _language_option() -> click.Option:
    return click.Option(
        ["--language"],
        expose_value=False,
        is_eager=True,
        callback=_keep_language,
        metavar="en|zh",
        help=text("help_option_language"),
    )


def _help_option(_: click.Context) -> click.Option:
    def show(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            click.echo(_in_language(context.get_help()))
            context.exit()

    return click.Option(
        ["-h", "--help"], is_flag=True, expose_value=False, is_eager=True, callback=show, help=text("help_option_help")
    )


def _in_language(page: str) -> str:
    """click's own headings in the current language."""
    for english, key in (("Usage:", "help_usage"), ("Options:", "help_options")):
        page = page.replace(english, text(key) + ":", 1)
    return page


def _root() -> Commands:
    root = Commands("xltrain", help=text("help_xltrain"), params=[_json_option(), _language_option()])
    version = click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_version,
        help=text("help_option_version"),
    )
    root.params.append(version)
    root.context_settings = {"max_content_width": 110}
    return root


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"xltrain {__version__}")
        context.exit()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with the exit code of DESIGN.md: 0, or that of the error."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console code page may lack a character; never fail on that
    language.use(_language_in(given))
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """The exit code of one call; problems have been printed. The language that it asks for ends with it."""
    with language.using():
        code = _run(arguments, "--json" in arguments)
        _tell_left_out()
        _tell_tidied()
        return code


def _run(arguments: Sequence[str], as_document: bool) -> int:
    try:
        code = _root().main([*arguments], prog_name="xltrain", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except XltrainError as error:
        emit_problems(error.problems, as_document)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(_in_language(error.format_message()))
        return 2
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = text("see_help", command=error.ctx.command_path)
        emit_problems([Problem(None, _usage(error), hint)], as_document)
        return 2
    except (KeyboardInterrupt, click.Abort):
        emit_problems([Problem(None, text("interrupted"))], as_document)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; say nothing more
        return 1
    except OSError as error:
        emit_problems([Problem(None, text("system_refused", reason=_reason(error)))], as_document)
        return 1
    except MemoryError:
        emit_problems([Problem(None, text("memory_full"))], as_document)
        return 1
    except Exception as error:
        if os.environ.get("XLTRAIN_TRACEBACK"):
            raise
        message = text("internal_error", kind=type(error).__name__, reason=str(error) or "-")
        emit_problems([Problem(None, message, text("internal_error_hint"))], as_document)
        return 1


def _tell_left_out() -> None:
    """Name the packages whose choices could not be loaded, where this call looked for choices at all."""
    plugins = sys.modules.get("xltrain.choices.plugins")
    for problem in plugins.problems() if plugins else ():
        click.echo(str(problem), err=True)


def _tell_tidied() -> None:
    """Name the temporary files of killed processes that this call has removed."""
    leftovers = sys.modules.get("xltrain.excel.leftovers")
    if leftovers and leftovers.tidied:
        shown = [path.name for path in leftovers.tidied[:3]] + ["…"] * (len(leftovers.tidied) > 3)
        click.echo(text("tidied", names=text("comma").join(shown)), err=True)
        leftovers.tidied.clear()


def _usage(error: click.ClickException) -> str:
    """What click found wrong with a call, in the current language where it is one of the usual things."""
    if isinstance(error, click.MissingParameter) and error.param is not None:
        shown = error.param.metavar or error.param.opts[0]
        named = f"{error.param.opts[0]} {shown}" if isinstance(error.param, click.Option) else shown
        return text("usage_missing", name=named)
    if isinstance(error, click.NoSuchOption):
        return text("usage_no_option", name=error.option_name)
    if isinstance(error, click.BadParameter) and error.param is not None:
        if isinstance(error.param.type, click.Choice):
            found = error.message.partition("'")[2].partition("'")[0]
            known = listed(error.param.type.choices)
            return text("usage_choice", name=error.param.opts[0], known=known, found=found)
        return text("usage_bad_value", name=error.param.opts[0], reason=error.message)
    if error.message == "Missing command.":
        return text("usage_no_command")
    return error.format_message()


def _reason(error: OSError) -> str:
    name = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{name}"


def _language_in(arguments: Sequence[str]) -> str:
    """`--language zh` before anything is parsed, since the help itself is in that language."""
    values: dict[str, Any] = dict(itertools.pairwise([*arguments, ""]))
    joined = [item.partition("=")[2] for item in arguments if item.startswith("--language=")]
    return str(values.get("--language") or (joined[0] if joined else ""))
