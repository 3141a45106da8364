"""Pictures of ranges: one on demand, or all that a job asks for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from xltrain.config.settings import Shot
from xltrain.errors import ConfigError, XltrainError
from xltrain.events import Listener, Noted
from xltrain.excel import shot as renderer
from xltrain.excel.read import NEW, sheet_names
from xltrain.excel.shot import Picture
from xltrain.excel.shot.page import Options
from xltrain.language import canonical, text
from xltrain.place import Place, Problem, parse_range

FOLDER = "pictures"
MOST_SCALE = 20.0
FONTS = ("package", "system")


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
) -> Picture:
    """Draw a range of a book.

    Args:
        book: .xlsx and .xlsm with their styles; .xls, .xlsb, .ods and .csv as plain values.
        range: `Sheet!A1:H24`; a sheet, a defined name or a table; nothing for the whole first sheet. Sheets of a
            results workbook may be named in either language.
        output: .png or .svg; None only returns the picture.
        scale: pixels of a PNG per pixel at 96 dpi.
        gridlines: whether grid lines are drawn; None as the sheet has them.
        headings: whether column letters and row numbers are drawn.
        freeze: whether the lines of a frozen pane are drawn.
        fonts: `package` for the font that comes with xltrain, so that a picture does not depend on the machine;
            `system` for installed fonts where the machine has them.

    Raises:
        ConfigError: the scale, the fonts, or the kind of file.
        WorkbookError: the book cannot be read, has no such range, or the picture cannot be written.
    """
    if not 0 < scale <= MOST_SCALE:
        raise ConfigError(Problem(None, text("shot_scale", scale=f"{scale:g}")))
    if fonts not in FONTS:
        raise ConfigError(Problem(None, text("shot_fonts", fonts=fonts)))
    problem = renderer.unknown_suffix(Path(output)) if output is not None else None
    if problem:
        raise ConfigError(problem)
    options = Options(gridlines, headings, freeze, fonts)
    picture = renderer.shoot(book, _in_its_language(Path(book), range), scale, options)
    if output is not None:
        picture.save(output, overwrite)
    return picture


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
    target.parent.mkdir(parents=True, exist_ok=True)
    picture = shoot(book, shot.range, target)
    if target.suffix.lower() == ".png":
        return target
    png = target.with_suffix(".png")
    picture.save(png)
    return png


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
