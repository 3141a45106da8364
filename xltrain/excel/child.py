"""Reads one book of an old format in a process of its own, because its reader may abort on a broken file.

    python -m xltrain.excel.child BOOK names | preview SHEET COUNT | block SHEET FIRST_ROW TARGET.arrow

Answers with one JSON object on standard output: {"answer": ...} or {"failed": reason}.
"""

import datetime
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xltrain.excel.read import BLANK, BOOLEAN, DATE, NUMBER, TEXT, fast_block, iso, shortest

MEMORY = 2 << 30  # bytes, plus two hundred times the size of the book


def main(arguments: list[str]) -> None:
    path, task, *rest = arguments
    _limit(Path(path).stat().st_size)
    try:
        tasks: dict[str, Callable[..., Any]] = {"names": _names, "preview": _preview, "block": _block}
        answer = tasks[task](path, *rest)
    except BaseException as error:  # a reader's panic is no Exception
        _tell({"failed": str(error) or type(error).__name__})
        return
    _tell({"answer": answer})


def _tell(document: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(document, ensure_ascii=False).encode("utf-8"))


def _limit(size: int) -> None:
    """Cap the memory where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    most = MEMORY + 200 * size
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ValueError, OSError):  # macOS refuses
        return


def _names(path: str) -> list[str]:
    import python_calamine

    return list(python_calamine.load_workbook(path).sheet_names)


def _cells(path: str, sheet: str) -> list[list[Any]]:
    import python_calamine

    return list(python_calamine.load_workbook(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False))


def _preview(path: str, sheet: str, count: str) -> dict[str, Any]:
    lines = _cells(path, sheet)
    shown = [[_to_json(value) for value in line] for line in lines[: int(count)]]
    return {"rows": shown, "last_row": len(lines), "last_column": max((len(line) for line in lines), default=0)}


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return {"date": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"date": datetime.datetime.combine(value, datetime.time()).isoformat()}
    if isinstance(value, (datetime.time, datetime.timedelta)):
        return str(value)
    return None if value == "" else value


def _block(path: str, sheet: str, first: str, target: str) -> list[tuple[int, int, str]]:
    import fastexcel
    import pyarrow as pa

    block = fast_block(fastexcel.read_excel(path), sheet, int(first))
    mixed = {strip.column for strip in block.strips if str(strip.values.type) in ("string", "large_string")}
    lines = _cells(path, sheet)[int(first) - 1 :] if mixed else []
    columns: dict[str, Any] = {}
    for strip in block.strips:
        values, kinds = strip.values, None
        if strip.column in mixed:
            cells = [line[strip.column - 1] if len(line) >= strip.column else "" for line in lines[: block.rows]]
            cells += [""] * (block.rows - len(cells))
            found = [_kind(cell) for cell in cells]
            if set(found) - {BLANK, TEXT}:
                values = pa.array([_shown(cell) for cell in cells], pa.string())
                kinds = pa.array(found, pa.int8())
        columns[f"v{strip.column}"] = values
        if kinds is not None:
            columns[f"k{strip.column}"] = kinds
    table = pa.table(columns) if columns else pa.table({"none": pa.nulls(block.rows)})
    with pa.OSFile(target, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return list(block.errors)


def _kind(cell: Any) -> int:
    if isinstance(cell, str):
        return TEXT if cell else BLANK
    if isinstance(cell, bool):
        return BOOLEAN
    return NUMBER if isinstance(cell, (int, float)) else DATE


def _shown(cell: Any) -> str | None:
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return shortest(float(cell))
    return iso(cell)


if __name__ == "__main__":
    main(sys.argv[1:])
