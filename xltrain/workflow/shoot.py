"""Pictures of ranges: one on demand, or all that a job asks for."""

import base64
import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from xltrain.config.settings import Shot
from xltrain.errors import ConfigError, WorkbookError, XltrainError
from xltrain.events import Drew, Listener, Noted, ignore
from xltrain.excel import shot as renderer
from xltrain.excel.package import scratch
from xltrain.excel.read import NEW, sheet_names
from xltrain.excel.recalculate import recalculated
from xltrain.excel.shot import Picture
from xltrain.excel.shot.asked import Asked, asked_of
from xltrain.excel.shot.page import Options
from xltrain.excel.shot.where import unquoted
from xltrain.language import canonical, label, text
from xltrain.place import Place, Problem, parse_range

FOLDER = "pictures"
MOST_SCALE = 20.0
MOST_WIDTH = 20_000
BATCH = 12  # pictures from which several processes paint
FONTS = ("package", "system")
ENGINES = ("xltrain", "libreoffice")


@dataclass(frozen=True)
class Drawn:
    """A picture that was drawn: of which book, and the file it went to (None: to none)."""

    book: Path
    picture: Picture
    output: Path | None = None


def shoot(
    book: str | Path,
    range: str = "",
    output: str | Path | None = None,
    *,
    scale: float = 2.0,
    overwrite: bool = False,
    gridlines: bool | None = None,
    headings: bool = False,
    freeze: bool = False,
    fonts: str = "package",
    background: str = "#FFFFFF",
    where: str = "",
    width: int = 0,
) -> Picture:
    """Draw a range of a book.

    Args:
        book: .xlsx and .xlsm with their styles; .xls, .xlsb, .ods and .csv as plain values.
        range: `Sheet!A1:H24`; a sheet, a defined name, a table or a chart's name; `Sheet!` for its print area; nothing
            for the whole first sheet. Sheets of a results workbook may be named in either language.
        output: .png, .svg or .pdf; None only returns the picture.
        scale: pixels of a PNG per pixel at 96 dpi.
        gridlines: whether grid lines are drawn; None as the sheet has them.
        headings: whether column letters and row numbers are drawn.
        freeze: whether the lines of a frozen pane are drawn.
        fonts: `package` for the font that comes with xltrain, so that a picture does not depend on the machine;
            `system` for installed fonts where the machine has them.
        background: a colour `#RRGGBB`, or `none`.
        where: a condition on columns, `loss > 1 and branch = North`; below the header only rows that pass are drawn.
        width: pixels across, in place of a scale.

    Raises:
        ConfigError: an option, the condition, or the kind of file.
        WorkbookError: the book cannot be read, has no such range, or the picture cannot be written.
    """
    options = _options(scale, gridlines, headings, freeze, fonts, background, width)
    problem = renderer.unknown_suffix(Path(output)) if output is not None else None
    if problem:
        raise ConfigError(problem)
    (asked,) = asked_of(Path(book), _in_its_language(Path(book), range), where)[:1]
    picture = _picture(Path(book), asked, scale, options, width)
    if output is not None:
        picture.save(output, overwrite)
    return picture


def shoot_many(
    books: Sequence[str | Path],
    ranges: Sequence[str] = ("",),
    output: str | Path | None = None,
    *,
    format: str = "",
    scale: float = 2.0,
    width: int = 0,
    where: str = "",
    pages: int = 0,
    overwrite: bool = False,
    gridlines: bool | None = None,
    headings: bool = False,
    freeze: bool = False,
    fonts: str = "package",
    background: str = "#FFFFFF",
    engine: str = "xltrain",
    recalculate: bool = False,
    embed: str = "",
    listen: Listener = ignore,
) -> list[Drawn]:
    """Draw ranges of books, several at a time; nothing is written unless all can be drawn.

    Args:
        books: files, or patterns such as `reports/*.xlsx`.
        ranges: as for `shoot`; a sheet may be a pattern, `2024-*!A1:H20`, and stands for all that it fits.
        output: a file for one picture; else a folder, or a pattern such as `{book}-{sheet}-{range}.png`.
        format: png, svg or pdf, where `output` does not say.
        pages: rows of a picture below the header, which is repeated; 0 for one picture of each range.
        engine: `xltrain`, or `libreoffice` to have LibreOffice draw (PNG).
        recalculate: have LibreOffice work out every formula anew first.
        embed: `report.xlsx!Pictures`: put the pictures on a new sheet of a copy of that workbook, which is `output`.

    Raises:
        ConfigError: an option, the condition, the kind of file, or one file for several pictures.
        WorkbookError: every book and range that cannot be drawn; or a file cannot be written.
    """
    options = _options(scale, gridlines, headings, freeze, fonts, background, width)
    if engine not in ENGINES:
        raise ConfigError(Problem(None, text("shot_engine", found=engine)))
    files = _files(books)
    with scratch() as folder:
        asked, problems = _asked(files, ranges, where, pages, folder if recalculate else None)
        targets = _targets(output, asked, format, embed)
        drawn: list[Drawn] = []
        for number, (book, read, one) in enumerate(asked):
            try:
                picture = _by(engine, read, one, scale, options, width)
            except WorkbookError as error:
                problems += error.problems
                continue
            drawn.append(Drawn(book, picture, targets[number] if targets else None))
            if len(asked) > 1:
                listen(Drew(picture.range, number + 1, len(asked)))
        if problems:
            raise WorkbookError(problems)
        if len(drawn) >= BATCH and (embed or any(each.output and each.output.suffix != ".svg" for each in drawn)):
            drawn = _painted(drawn, [(read, one) for _, read, one in asked], options)
    if embed:
        from xltrain.workflow.copies import check_unread  # loads much that a picture needs not

        check_unread([Path(str(output))], files)
        _embed(embed, drawn, Path(str(output)), overwrite)
        return [replace(each, output=Path(str(output))) for each in drawn]
    for each in drawn:
        if each.output is not None:
            if each.output != Path(str(output)):  # its name was made: so may its folder be
                _make_folder(each.output.parent)
            each.picture.save(each.output, overwrite)
    return drawn


def _painted(drawn: Sequence[Drawn], asked: Sequence[tuple[Path, Asked]], options: Options) -> list[Drawn]:
    """The same with their pixels, painted by several processes at once."""
    if any(each.picture.drawn for each in drawn):
        return list(drawn)
    from xltrain.worker import call_all

    calls = []
    for each, (read, one) in zip(drawn, asked, strict=True):
        rows = None if one.rows is None else list(one.rows)
        said = {"book": str(read), "range": one.range, "scale": each.picture.scale, "rows": rows}
        said |= {name: getattr(options, name) for name in ("gridlines", "headings", "freeze", "fonts", "background")}
        calls.append((read, said))
    done = call_all("xltrain.excel.shot:png_of", calls)
    return [
        replace(each, picture=replace(each.picture, drawn=base64.b64decode(answer.result())))
        for each, answer in zip(drawn, done, strict=True)
    ]


def _options(
    scale: float, gridlines: bool | None, headings: bool, freeze: bool, fonts: str, background: str, width: int
) -> Options:
    if not 0 < scale <= MOST_SCALE:
        raise ConfigError(Problem(None, text("shot_scale", scale=f"{scale:g}")))
    if fonts not in FONTS:
        raise ConfigError(Problem(None, text("shot_fonts", fonts=fonts)))
    plain = "" if background == "none" else background
    if plain and not re.fullmatch("#[0-9A-Fa-f]{6}", plain):
        raise ConfigError(Problem(None, text("shot_background", found=background)))
    if width < 0 or width > MOST_WIDTH:
        raise ConfigError(Problem(None, text("shot_width", found=width, most=MOST_WIDTH)))
    return Options(gridlines, headings, freeze, fonts, plain)


def _picture(book: Path, asked: Asked, scale: float, options: Options, width: int) -> Picture:
    if asked.rows is not None:
        options = replace(options, rows=frozenset(asked.rows))
    picture = renderer.shoot(book, asked.range, scale, options)
    return replace(picture, scale=width / (picture.width * 96 / 72)) if width else picture


def _by(engine: str, book: Path, asked: Asked, scale: float, options: Options, width: int) -> Picture:
    if engine == "xltrain":
        return _picture(book, asked, scale, options, width)
    from xltrain.excel.shot.libreoffice import draw_with_libreoffice

    page, _ = renderer.compose(book, asked.range, options)
    made = draw_with_libreoffice(book, page.range, scale)
    return Picture("", made.width, made.height, str(page.range), scale, Place(str(book)), drawn=made.png)


def _files(books: Sequence[str | Path]) -> list[Path]:
    """Patterns as the files they fit. WorkbookError for one that fits none."""
    found: dict[Path, None] = {}
    for each in books:
        if isinstance(each, str) and set("*?[") & set(each) and not Path(each).exists():
            names = sorted(glob.glob(each, recursive=True))  # noqa: PTH207  (patterns may be absolute)
            fitting = [path for path in map(Path, names) if not path.name.startswith("~$")]
            if not fitting:
                raise WorkbookError(Problem(Place(each), text("shot_no_books"), text("shot_no_books_hint")))
            found |= dict.fromkeys(fitting)
        else:
            found[Path(each)] = None
    return list(found)


def _asked(
    files: Sequence[Path], ranges: Sequence[str], where: str, pages: int, anew: Path | None
) -> tuple[list[tuple[Path, Path, Asked]], list[Problem]]:
    """Each picture with its book and the file to read it from, and what cannot be asked; `anew` is where books go whose
    formulas are worked out first.
    """
    found: list[tuple[Path, Path, Asked]] = []
    problems: list[Problem] = []
    for number, book in enumerate(files):
        try:
            read = book
            if anew is not None:
                own = anew / str(number)
                own.mkdir()
                read = recalculated(book, own)
            for each in ranges or ("",):
                found += [(book, read, one) for one in asked_of(read, _in_its_language(read, each), where, pages)]
        except WorkbookError as error:
            problems += error.problems
    return found, problems


def _targets(
    output: str | Path | None, asked: Sequence[tuple[Path, Path, Asked]], format: str, embed: str
) -> list[Path]:
    """The file of each picture. ConfigError where one file is named for several, or its kind is unknown."""
    if embed:
        _check_embed(embed, output)
    if output is None or embed:
        return []
    said = str(output)
    path = Path(said)
    if format and f".{format}" not in renderer.SUFFIXES:
        raise ConfigError(Problem(None, text("shot_suffix", suffix=format), text("shot_suffix_hint")))
    pattern = said if "{" in said else ""
    if not pattern and (path.is_dir() or said.endswith(("/", "\\")) or (not path.suffix and len(asked) > 1)):
        pattern = str(path / f"{{book}}-{{sheet}}-{{range}}.{format or 'png'}")
    if not pattern:
        path = path if path.suffix else path.with_suffix(f".{format or 'png'}")
        if format and path.suffix.lower() != f".{format}":
            message, hint = (
                text("shot_format_name", format=format, path=path),
                text("shot_format_name_hint", format=format),
            )
            raise ConfigError(Problem(None, message, hint))
        if problem := renderer.unknown_suffix(path):
            raise ConfigError(problem)
        if len(asked) == 1:
            return [path]
        own = (
            "" if all(one.page for _, _, one in asked) and len({one.range for _, _, one in asked}) == 1 else "-{number}"
        )
        pattern = str(path.with_name(f"{path.stem}{own}{path.suffix}"))
    return _named(pattern, asked)


def _named(pattern: str, asked: Sequence[tuple[Path, Path, Asked]]) -> list[Path]:
    found: list[Path] = []
    for number, (book, _, one) in enumerate(asked, 1):
        sheet, _, cells = one.range.rpartition("!")
        sheet, cells = unquoted(sheet), unquoted(cells)
        if not cells and not (sheet and "{sheet}" in pattern):  # a whole sheet
            cells = sheet or ("" if "{book}" in pattern else book.stem)
        known = {"book": book.stem, "sheet": sheet, "range": cells, "number": str(number)}
        clean = {name: re.sub(r'[<>:"/\\|?*!{}\s]+', "_", words).strip("_") for name, words in known.items()}
        made = Path(_filled(pattern, clean))
        if made.name.startswith("."):  # nothing but the suffix
            made = made.with_name(book.stem + made.name)
        made = made.with_name(re.sub(r"-{2,}", "-", made.name).replace("-.", "."))
        if problem := renderer.unknown_suffix(made):
            raise ConfigError(problem)
        if one.page:
            made = made.with_stem(f"{made.stem}-{one.page}")
        stem, again = made.stem, 1
        while made in found:
            again += 1
            made = made.with_stem(f"{stem}-{again}")
        found.append(made)
    return found


def _filled(pattern: str, words: Mapping[str, str]) -> str:
    """The pattern with its names replaced; anything else in brackets is refused."""
    found = re.sub(r"\{(\w+)\}", lambda each: words.get(each[1], "{"), pattern)
    if "{" in found or "}" in found:
        raise ConfigError(Problem(None, text("shot_pattern", found=pattern), text("shot_pattern_hint")))
    return found


def _check_embed(embed: str, output: str | Path | None) -> None:
    book = Path(embed.partition("!")[0])
    if output is None:
        raise ConfigError(Problem(None, text("shot_embed_output"), text("shot_embed_output_hint")))
    if Path(output).suffix.lower() != book.suffix.lower():
        raise ConfigError(Problem(None, text("shot_embed_suffix", path=output, book=book, suffix=book.suffix)))


def _embed(embed: str, drawn: Sequence[Drawn], output: Path, overwrite: bool) -> None:
    """Put the pictures on a new sheet of a copy of a workbook."""
    from xltrain.excel.patch import NewSheet, patch_book

    book, _, sheet = embed.partition("!")
    pictures = tuple(
        (
            f"{each.book.name} {each.picture.range}",
            each.picture.png,
            round(each.picture.width * 96 / 72),
            round(each.picture.height * 96 / 72),
        )
        for each in drawn
    )
    name = sheet.strip("'") or label("Pictures")
    patch_book(Path(book), output, sheets=(NewSheet(name, pictures),), overwrite=overwrite)


def shoot_all(
    shots: Sequence[Shot], folder: Path, results: Path, out_folder: Path, listen: Listener
) -> tuple[list[tuple[str, Path]], list[Problem]]:
    """Draw every shot of a job into `out_folder`/pictures; gives caption and PNG of each, in order.

    A shot that cannot be drawn costs only itself: its problem, with its place in the job, comes back as well.

    Args:
        folder: what the names of books are relative to.
        results: the book of shots that name none.
    """
    problems: list[Problem] = []
    drawn: list[tuple[str, Path]] = []
    taken: set[str] = set()
    for shot in shots:
        target = out_folder / FOLDER / shot.file
        wrong = _bad_name(shot, taken)
        taken.add(target.stem.casefold())
        if wrong:
            problems.append(wrong)
            continue
        try:
            png = _draw(shot, folder / shot.book if shot.book else results, target)
        except XltrainError as error:
            problems += [_at_shot(shot, problem) for problem in error.problems]
            continue
        caption = " ".join(part for part in (Path(shot.book).name, shot.range) if part)
        listen(Noted(text("shot_drew", file=f"{FOLDER}/{shot.file}", range=caption)))
        drawn.append((caption, png))
    return drawn, problems


def _in_its_language(book: Path, area: str) -> str:
    """The range with its sheet called as in the book: a results workbook may be asked for in either language."""
    found = parse_range(area)
    if found is None or not found.sheet or book.suffix.lower() not in NEW:
        return area
    names = sheet_names(book)
    word = canonical(found.sheet)
    twin = next((name for name in names if canonical(name) == word), "")
    if found.sheet.casefold() in {name.casefold() for name in names} or not twin:
        return area
    return str(replace(found, sheet=f"'{twin}'"))


def _draw(shot: Shot, book: Path, target: Path) -> Path:
    """Write the picture, and a PNG beside an SVG for the sheet of pictures."""
    _make_folder(target.parent)
    picture = shoot(book, shot.range, target, where=shot.where, scale=shot.scale)
    if target.suffix.lower() == ".png":
        return target
    png = target.with_suffix(".png")
    picture.save(png)
    return png


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        from xltrain.workflow.copies import make_folder  # loads much that a picture needs not

        make_folder(folder)


def _bad_name(shot: Shot, taken: set[str]) -> Problem | None:
    """A file name must be one, and no other shot's; an SVG takes the name of its PNG too."""
    place = shot.place or Place(shot.file)
    name = PurePosixPath(shot.file.replace("\\", "/"))
    if name.name != shot.file or not name.stem or ":" in shot.file:
        return Problem(place, text("shot_file_path", file=shot.file), text("shot_file_path_hint", file=name.name))
    if name.stem.casefold() in taken:
        return Problem(place, text("shot_same_file", file=shot.file), text("shot_same_file_hint"))
    return None


def _at_shot(shot: Shot, problem: Problem) -> Problem:
    """The problem at the cell that asked for the picture; a book of its own keeps its name in the message."""
    if shot.place is None:
        return problem
    of_book = bool(shot.book) and problem.place is not None
    return Problem(shot.place, f"{problem.place}: {problem.message}" if of_book else problem.message, problem.hint)
