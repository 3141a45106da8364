"""Which limits of a column no value can keep, or cannot be compared with its values."""

import datetime
from typing import Any

from xltrain.config.settings import Column
from xltrain.language import label, text

_TAKES = {"numeric": (int, float), "date": (str,)}


def impossible_limits(column: Column) -> list[tuple[str, str]]:
    """What is wrong with a column's limits, each with the header where it would be mended."""
    given = {header: limit for header in ("min", "max") if (limit := getattr(column, header)) is not None}
    found = []
    for header, limit in given.items():
        takes = _TAKES.get(column.type, () if column.type else (int, float, str))
        if not isinstance(limit, takes):
            found.append((header, text("limit_type", header=label(header), found=limit, type=label(column.type))))
    if len(given) == 2 and not found:
        if isinstance(column.min, str) != isinstance(column.max, str):
            found.append(("max", text("limit_kinds", min=column.min, max=column.max)))
        elif column.min > column.max:  # type: ignore[operator]
            found.append(("max", text("limit_order", min=column.min, max=column.max)))
    if found:
        return found
    outside = [word for word in column.allowed if _outside(word, given)]
    if outside:
        found.append(("allowed", text("limit_allowed", found=outside[0])))
    return found


def _outside(word: str, given: dict[str, Any]) -> bool:
    """Whether an allowed value lies beyond the column's own min or max."""
    if not given:
        return False
    value: Any = word
    if not isinstance(next(iter(given.values())), str):
        try:
            value = float(word.replace(",", ""))
        except ValueError:
            return True
    else:
        try:
            value = datetime.date.fromisoformat(word).isoformat()
        except ValueError:
            return True
    return bool(value < given.get("min", value) or value > given.get("max", value))
