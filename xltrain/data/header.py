"""Which headers mean the same column.

Two headers are the same when they differ only in case, width (full or half), spacing, line breaks or underscores; and
when they are alone in having the same words before a unit in brackets.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xltrain.config.settings import Column
from xltrain.errors import DataError
from xltrain.language import text
from xltrain.place import Place, Problem
from xltrain.registry import unknown

_UNIT = re.compile(r"[(\[{（【][^)\]}）】]*[)\]}）】]")
_SPACE = re.compile(r"[\s_\u200b\ufeff]+")


def key(name: str) -> str:
    """A header without what people write differently."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", name)).casefold()


def bare_key(name: str) -> str:
    """The key without units in brackets."""
    plain = unicodedata.normalize("NFKC", name)
    return key(_UNIT.sub("", plain)) or key(plain)


def find(name: str, names: Sequence[str]) -> str:
    """The one of `names` that `name` is, or is the only beginning of, whatever case, width and spacing.

    Raises:
        DataError: none or several match; the nearest names are offered.
    """
    if name in names:
        return name
    wanted = key(name)
    for same in (
        [each for each in names if key(each) == wanted],
        [each for each in names if bare_key(each) == wanted],
        [each for each in names if wanted and key(each).startswith(wanted)],
    ):
        if len(same) == 1:
            return same[0]
        if same:
            raise DataError(Problem(None, text("column_ambiguous", name=name, known=", ".join(same))))
    raise DataError(Problem(None, unknown(text("word_column"), name, names)))


@dataclass
class Columns:
    """The columns of the dataset, found while the headers of one sheet after another are matched.

    Columns that a job names come first in the matching, with their aliases; their order in the dataset is that of
    their first appearance in the books.
    """

    given: Sequence[Column] = ()
    names: list[str] = field(default_factory=list)
    _keys: dict[str, str] = field(default_factory=dict)
    _bare: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column in self.given:
            for each in (column.name, *column.aliases):
                self._learn(each, column.name)

    def match(self, headers: Mapping[int, str], place: Place) -> tuple[dict[int, str], list[Problem]]:
        """Column number -> name in the dataset, new ones added; and a doubt for each match that could be wrong."""
        found: dict[int, str] = {}
        doubts: list[Problem] = []
        exact = {column: self._keys.get(key(header), "") for column, header in headers.items()}
        taken = {name for name in exact.values() if name}
        for column, header in headers.items():
            name = exact[column]
            if not name:
                loose = self._bare.get(bare_key(header), set()) - taken
                name = next(iter(loose)) if len(loose) == 1 else ""
                if name and _units(name) and _units(header):
                    where = Place(place.file, place.sheet, place.row, column)
                    doubts.append(Problem(where, text("doubt_unit", header=header, name=name), text("doubt_unit_hint")))
                taken.add(name)
            if not name:
                name = header
            self._learn(header, name)
            if name not in self.names:
                self.names.append(name)
            found[column] = name
        return found, doubts

    def known(self, headers: Iterable[str]) -> int:
        """How many of these headers are columns already."""
        return sum(key(each) in self._keys or len(self._bare.get(bare_key(each), ())) == 1 for each in headers)

    def _learn(self, header: str, name: str) -> None:
        self._keys.setdefault(key(header), name)
        self._bare.setdefault(bare_key(header), set()).add(name)


def duplicates(headers: Mapping[int, str], place: Place) -> list[Problem]:
    """A problem for each header that stands twice on a sheet."""
    first: dict[str, int] = {}
    problems = []
    for column, header in headers.items():
        earlier = first.setdefault(key(header), column)
        if earlier != column:
            other = Place("", "", place.row, earlier).address
            where = Place(place.file, place.sheet, place.row, column)
            problems.append(
                Problem(where, text("header_stands_twice", name=header, other=other), text("header_twice_hint"))
            )
    return problems


def _units(header: str) -> str:
    found = _UNIT.search(unicodedata.normalize("NFKC", header))
    return key(found[0]) if found else ""
