"""Diagnostics of every target: how its predictions are wrong, by the task; all out of fold."""

from xltrain.excel.write import HINT, SECTION, TITLE
from xltrain.language import label, text
from xltrain.report.diagnostics_binary import write_binary
from xltrain.report.diagnostics_classes import roc_chart as roc_chart
from xltrain.report.diagnostics_classes import write_classes
from xltrain.report.diagnostics_layout import COLUMNS
from xltrain.report.diagnostics_regression import predicted_chart as predicted_chart
from xltrain.report.diagnostics_regression import write_regression
from xltrain.report.report import Report


def write_diagnostics(report: Report, name: str) -> None:
    """One section per target."""
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Diagnostics"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("diagnostics_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    row = 3
    for index, target in enumerate(report.result.targets):
        sheet.part(row, apart=index > 0)
        for column in range(COLUMNS):
            title = f"{target.target} · {target.winner}" if column == 0 else ""
            sheet.write(row, column, title, report.book.style(**SECTION))
        sheet.page.set_row(row, 22)
        write = write_regression if not target.classes else write_binary if len(target.classes) == 2 else write_classes
        row = write(report, sheet, row + 2, target) + 2
    sheet.print_parts(row, COLUMNS)
    sheet.page.freeze_panes(3, 0)
