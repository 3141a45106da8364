"""Columns put into workbooks that nobody here made: those below the folder that XLTRAIN_BOOKS names.

Without it those of `shared/data` are taken. XLTRAIN_BOOKS=FOLDER pytest tests/excel/test_patch_books.py -m slow -s
"""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.excel.test_patch import MAY_ADD, cells_of, changed, parts
from tests.shared import shared
from xltrain.errors import WorkbookError
from xltrain.excel.patch import KINDS, Addition, Mark, NewColumn, addition_of, copy_kind, patch_book, undo_book
from xltrain.excel.scan import Package, rows

MOST_ROWS = 200_000
FILLED = re.compile(r"<(?:\w+:)?(?:v|f|is)[ />]")  # blank cells may be covered where nothing else is free
OWN = ("xl/styles.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels")


def table_of(book: Path) -> tuple[str, str, int, list[int], int]:
    """The first sheet with rows: its name and part, its first row with two cells, the filled rows below, its width."""
    with Package(book) as package:
        for sheet in package.sheets:
            filled = {
                row.number: max(cell.column for cell in row.cells if cell.value)
                for row in rows(package, sheet.part, 1, MOST_ROWS)
                if any(cell.value for cell in row.cells)
            }
            header = next((number for number, width in filled.items() if width > 1), 0)
            below = [number for number in filled if number > header]
            if header and below:
                return sheet.name, sheet.part, header, below, filled[header]
    return "", "", 0, [], 0


def check(book: Path, folder: Path) -> str:
    """What came of one workbook: `lossless`, or why it was refused. AssertionError where something was lost."""
    if copy_kind(book):
        return "annotated already"
    try:
        sheet, part, header, below, _ = table_of(book)
        if not sheet:
            return "no table"
        values = np.random.default_rng(0).random(len(below))
        words = ["suspect" if at % 7 == 0 else None for at in range(len(below))]
        new = (NewColumn("p", values, "0.00", bar=True, note="n"), NewColumn("f", words, choices=("a", "b")))
        copy, back = folder / f"copy{book.suffix.lower()}", folder / f"back{book.suffix.lower()}"
        added = Addition(sheet, header, np.array(below), new)
        done = patch_book(book, copy, additions=[added], marks=[Mark(sheet, below[0], 1, "why")], overwrite=True)
    except WorkbookError as error:
        return f"refused: {error.problems[0].message}"
    columns = [each.column for each in done.columns]
    allowed = {*OWN, part, part.replace("worksheets/", "worksheets/_rels/") + ".rels"}
    touched = changed(book, copy) - allowed
    assert all(each.startswith(("xl/tables/", "xl/comments")) or each.endswith(".vml") for each in touched), touched
    before, after = parts(book), parts(copy)
    assert all(MAY_ADD.fullmatch(each) or each.endswith(".rels") for each in set(after) - set(before))
    for name in changed(book, copy):
        ElementTree.fromstring(after[name])
    if len(below) < 20_000 and b"purl.oclc.org" not in before[part]:
        old, made = cells_of(before[part]), cells_of(after[part])
        filled = {address: xml for address, xml in old.items() if FILLED.search(xml)}
        assert not [address for address, xml in filled.items() if made.get(address) != xml]
    assert [each.column for each in addition_of(copy)] == columns
    assert undo_book(copy, back, overwrite=True)
    assert parts(back) == before
    return "lossless"


@pytest.mark.slow
def test_nothing_is_lost_in_any_workbook_of_a_folder(tmp_path: Path) -> None:
    folder = Path(os.environ.get("XLTRAIN_BOOKS") or shared(""))
    books = sorted(each for each in folder.rglob("*") if each.suffix.lower() in KINDS and each.name[:2] != "~$")
    found: dict[str, list[str]] = {}
    failed = []
    for book in books:
        try:
            found.setdefault(check(book, tmp_path), []).append(book.name)
        except Exception as error:  # one line for each workbook, and all of them in the end
            failed.append(f"{book}: {type(error).__name__}: {str(error)[:200]}")
    for what, names in sorted(found.items()):
        print(f"{what}: {len(names)} ({', '.join(names[:5])}{' ...' if len(names) > 5 else ''})")
    assert not failed, "\n".join(failed)
    assert found.get("lossless")
