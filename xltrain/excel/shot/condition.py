"""`--where "loss > 1 and fold = 3"`: which rows of a table on a sheet a picture shows.

The header is the first row of the range in which every column that the condition names has a cell; it is shown with
what stands above it, and of the rows below those for which the condition holds.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.scan import Package, Row, SheetPart, rows
from xltrain.excel.shot.used import used
from xltrain.excel.shot.values import SheetValues
from xltrain.language import canonical, listed, text
from xltrain.place import Place, Problem, Range
from xltrain.registry import nearest

LOOKED = 60  # rows in which the header is looked for
EPOCH = datetime.datetime(1899, 12, 30)

_NARROW = str.maketrans("＞＜＝！（）　", "><=!() ")
_TEST = re.compile(
    r"""\s*(?P<name>`[^`]+`|"[^"]+"|'[^']+'|[^<>=!`"']+?)\s*(?P<sign>>=|<=|!=|<>|==|=|>|<|\bcontains\b|包含)"""
    r"""\s*(?P<value>"[^"]*"|'[^']*'|.+?)\s*$""",
    re.I,
)
_JOINTS = re.compile(r"""\s+(and|or|且|或)\s+(?=(?:[^"'`]*["'`][^"'`]*["'`])*[^"'`]*$)""", re.I)


@dataclass(frozen=True)
class Test:
    """One comparison of a column with a value."""

    column: str
    sign: str
    value: str

    def holds(self, found: Any) -> bool:
        """Whether a cell's value passes; an empty cell only `!=` and `= ""`."""
        if self.sign == "contains":
            return self.value.casefold() in _shown(found).casefold()
        number = _number(self.value)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or number is None:
            same = _shown(found).casefold() == self.value.casefold()
            return same if self.sign == "=" else not same if self.sign == "!=" else False
        compare: dict[str, Callable[[float, float], bool]] = {
            "=": lambda a, b: a == b,
            "!=": lambda a, b: a != b,
            ">": lambda a, b: a > b,
            "<": lambda a, b: a < b,
            ">=": lambda a, b: a >= b,
            "<=": lambda a, b: a <= b,
        }
        return compare[self.sign](float(found), number)


@dataclass(frozen=True)
class Condition:
    """Alternatives of tests that must all hold: `a and b or c` is ((a, b), (c,))."""

    said: str
    alternatives: tuple[tuple[Test, ...], ...]

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(test.column for tests in self.alternatives for test in tests))

    def holds(self, values: dict[str, Any]) -> bool:
        return any(all(test.holds(values.get(test.column)) for test in tests) for tests in self.alternatives)


def parse_where(said: str) -> Condition:
    """A condition on columns. ConfigError with the form that it must have."""
    parts = _JOINTS.split(said.translate(_NARROW))
    alternatives: list[list[Test]] = [[]]
    for index, part in enumerate(parts):
        if index % 2:
            if part.lower() in ("or", "或"):
                alternatives.append([])
            continue
        found = _TEST.match(part)
        if not found:
            raise ConfigError(Problem(None, text("where_form", found=part.strip() or said), text("where_form_hint")))
        sign = {"==": "=", "<>": "!=", "包含": "contains"}.get(found["sign"].lower(), found["sign"].lower())
        alternatives[-1].append(Test(_bare(found["name"]), sign, _bare(found["value"])))
    return Condition(said, tuple(tuple(tests) for tests in alternatives))


def rows_where(package: Package, sheet: SheetPart, area: Range, where: Condition) -> tuple[list[int], list[int]]:
    """The rows of the header, with what stands above it, and those below it for which the condition holds.

    A condition may be about columns beside the range, which are not drawn then.

    Raises:
        WorkbookError: no row has all these columns.
    """
    place, seen = Place(package.place.file, sheet.name), dict[str, None]()
    for looked, row in enumerate(rows(package, sheet.part, area.first_row, area.last_row)):
        found = sorted(_values(package, row), key=lambda cell: not area.first_column <= cell[0] <= area.last_column)
        cells = {column: _shown(value) for column, value in found}
        seen |= dict.fromkeys(cells.values())
        columns = {name: at for name in where.columns if (at := _column(name, cells))}
        if len(columns) == len(where.columns):
            head = list(range(area.first_row, row.number + 1))
            return head, _passing(package, sheet, columns, where, range(row.number + 1, area.last_row + 1))
        if looked >= LOOKED:
            break
    name = next((each for each in where.columns if each not in seen), where.columns[0])
    near = nearest(name, [word for word in seen if word])
    hint = text("book_missing_near", name=near) if near else text("where_columns_hint")
    raise WorkbookError(Problem(place, text("where_columns", names=listed(where.columns), range=area), hint))


def _passing(package: Package, sheet: SheetPart, columns: dict[str, int], where: Condition, below: range) -> list[int]:
    """The rows of those given that pass."""
    values = SheetValues(package, sheet.part, {}, None)
    values.load(columns.values())
    known = {name: values.column(column) for name, column in columns.items()}
    return [
        row
        for row in range(below.start, min(below.stop, used(package, sheet).last_row + 1))
        if where.holds({name: stored.get(row) for name, stored in known.items()})
    ]


def _column(name: str, cells: dict[int, str]) -> int | None:
    """The column with this header, in either language."""
    plain, word = _plain(name), canonical(name)
    return next((at for at, shown in cells.items() if _plain(shown) == plain or canonical(shown) == word), None)


def _values(package: Package, row: Row) -> Iterator[tuple[int, Any]]:
    for cell in row.cells:
        value: Any = cell.value
        if cell.kind == "s":
            index = int(value) if value.isdigit() else -1
            value = package.strings[index] if 0 <= index < len(package.strings) else ""
        elif cell.kind == "b":
            value = value in ("1", "true")
        elif cell.kind in ("", "n"):
            try:
                value = float(value)
            except ValueError:
                value = None
        yield cell.column, value


def _number(words: str) -> float | None:
    """A number, a share or a date as its serial number."""
    plain = words.strip().replace(",", "")
    try:
        return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
    except ValueError:
        pass
    try:
        return (datetime.datetime.fromisoformat(plain) - EPOCH) / datetime.timedelta(days=1)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()


def _bare(words: str) -> str:
    words = words.strip()
    return words[1:-1] if len(words) > 1 and words[0] == words[-1] and words[0] in "`\"'" else words


def chunks(numbers: Sequence[int], size: int) -> list[Sequence[int]]:
    """So many at a time."""
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]
