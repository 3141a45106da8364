"""What an audit found: odd cells, and the causes that several of them share. Plain data, free of torch."""

from dataclasses import dataclass
from typing import Any

from xltrain.data.table import Control

NAN = float("nan")


@dataclass(frozen=True)
class OddCell:
    """One cell that is probably wrong.

    Attributes:
        row: position in the table.
        score: how likely it is wrong, 0..1; 1 where it breaks a limit.
        low, high: where 90 % of such cells lie, days since 1970 for dates; NaN where unknown.
        expected: the category expected instead, empty for numbers.
        suggested: the value that would be right; None where that is not known.
        rule: the limit that it breaks (min, max, allowed, unique), `run` for one of many equal values in a row; else
            empty.
        limit: what that limit says.
        finding: the number of the finding it belongs to, 0 for none.
        decimals: of its column's numbers; None where they are not rounded.
    """

    row: int
    column: str
    score: float
    low: float = NAN
    high: float = NAN
    expected: str = ""
    suggested: Any = None
    rule: str = ""
    limit: Any = None
    finding: int = 0
    decimals: int | None = None


@dataclass(frozen=True)
class Finding:
    """One cause of several odd cells.

    Attributes:
        kind: factor, swapped, shifted, run, where, limit or total.
        columns: those in which the cells stand, in the table's order.
        cells: positions in `Audit.cells`.
        factor: by which the cells are too large; -1 for a wrong sign. offset: what is added besides (degrees).
        where: conditions that the rows share, as pairs of column and value; the columns `file` and `sheet` are words.
        inside, alike: how many rows meet the conditions, and in how many of them such a cell is odd.
        rule: of kind limit, which one.
        control: of kind total, the total that does not agree.
    """

    number: int
    kind: str
    columns: tuple[str, ...]
    cells: tuple[int, ...]
    factor: float = NAN
    where: tuple[tuple[str, str], ...] = ()
    inside: int = 0
    alike: int = 0
    rule: str = ""
    limit: Any = None
    control: Control | None = None
    offset: float = 0.0

    @property
    def fixable(self) -> bool:
        """Whether the right value of each of its cells is known."""
        return self.kind in ("factor", "swapped", "shifted")


@dataclass(frozen=True)
class ColumnAudit:
    """One column: its type, how much of it the others tell (0..1, NaN where it was not judged), and what was found."""

    name: str
    type: str
    told: float
    filled: int
    odd: int
    beyond: int


@dataclass(frozen=True)
class Audit:
    """Everything found in one table.

    `cells` are worst first; the first `worth` of them are worth a look, and so are `unlisted` more. `scored` rows of
    `rows` were looked at.
    """

    rows: int
    scored: int
    cells: tuple[OddCell, ...]
    worth: int
    findings: tuple[Finding, ...]
    columns: tuple[ColumnAudit, ...]
    unlisted: int = 0
