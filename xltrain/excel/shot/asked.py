"""What was asked to be drawn of a book: patterns over sheets, rows that pass a condition, long ranges page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xltrain.errors import WorkbookError
from xltrain.excel.read import NEW
from xltrain.excel.scan import Package, SheetPart, head
from xltrain.excel.shot.attributes import descendants, fragment, whole
from xltrain.excel.shot.condition import chunks, parse_where, rows_where
from xltrain.excel.shot.where import find, sheets_like
from xltrain.language import text
from xltrain.place import Place, Problem, Range

MOST_PAGES = 500  # pictures of one range


@dataclass(frozen=True)
class Asked:
    """One picture: the text of its range, the only rows that show (None: all), and its number among the pages of a
    range, 0 where it has none.
    """

    range: str
    rows: tuple[int, ...] | None = None
    page: int = 0


def asked_of(book: Path, wanted: str, where: str = "", pages: int = 0) -> list[Asked]:
    """Every picture that one text stands for.

    Args:
        where: a condition on columns; only rows that pass are shown, below the header.
        pages: rows of a picture, below the header; 0 for one picture.

    Raises:
        ConfigError: the condition cannot be read.
        WorkbookError: the book cannot be read, has no such sheet or columns, or no row passes.
    """
    if book.suffix.lower() not in NEW:
        if where or pages:
            raise WorkbookError(Problem(Place(str(book)), text("shot_only_xlsx"), text("shot_only_xlsx_hint")))
        return [Asked(wanted)]
    condition = parse_where(where) if where else None
    found: list[Asked] = []
    with Package(book) as package:
        for each in sheets_like(package, wanted):
            if condition is None and not pages:
                found.append(Asked(each))
                continue
            sheet, area = find(package, each)
            if condition:
                top, below = rows_where(package, sheet, area, condition)
                if not below:
                    message = text("where_nothing", condition=where, range=area)
                    raise WorkbookError(Problem(Place(str(book), sheet.name), message))
            else:
                first = _below_header(package, sheet, area)
                top, below = list(range(area.first_row, first)), list(range(first, area.last_row + 1))
            parts = -(-len(below) // pages) if pages else 1
            if parts > MOST_PAGES:
                message = text("shot_many_pages", range=area, rows=pages, count=parts, most=MOST_PAGES)
                raise WorkbookError(Problem(package.place, message, text("shot_many_pages_hint")))
            found += _paged(each, top, below, pages)
    return found


def _paged(wanted: str, top: Sequence[int], below: Sequence[int], pages: int) -> list[Asked]:
    parts = chunks(below, pages) if pages else [below]
    return [Asked(wanted, (*top, *part), number if len(parts) > 1 else 0) for number, part in enumerate(parts, 1)]


def _below_header(package: Package, sheet: SheetPart, area: Range) -> int:
    """The first row that is not repeated on every page: below the rows that are frozen, else below the first."""
    for each in descendants(fragment(head(package, sheet.part)), "pane"):
        if each.get("state") in ("frozen", "frozenSplit"):
            frozen = whole(each.get("ySplit", "")) or 0
            if area.first_row <= frozen < area.last_row:
                return frozen + 1
    return area.first_row + 1
