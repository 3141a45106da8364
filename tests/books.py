"""Small workbooks for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter


def write_sheets(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """A workbook from lists of rows; None is a blank, a text that starts with =1 a formula, dates become dates."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        for name, rows in sheets.items():
            page = workbook.add_worksheet(name)
            for row, values in enumerate(rows):
                for column, value in enumerate(values):
                    if isinstance(value, str) and not value.startswith("=1"):
                        page.write_string(row, column, value)
                    elif isinstance(value, str):
                        page.write_formula(row, column, value, None, "#DIV/0!" if "/0" in value else 0)
                    elif value is not None:
                        page.write(row, column, value)
    return path


def write_rows(path: Path, rows: Sequence[Sequence[Any]], sheet: str = "Data") -> Path:
    return write_sheets(path, {sheet: rows})
