"""Write the sample books: `python -m samples.make`.

A chain of 16 branches keeps one workbook a month, a sheet per book and a row per branch and day, filled in by hand:
headers half Chinese and half English and never twice the same, a title row on some, a total row on others, one
month with its numbers typed as text. Sixty values are wrong on purpose; `planted.csv` says where and what they were.
Everything follows from one seed, so the files come out the same on every machine.
"""

import calendar
import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter

from xltrain.config.settings import Column, Job, Run, Shot, Source
from xltrain.config.template import write_job
from xltrain.place import column_letter
from xltrain.registry import Term, losses, models, optimizers, schedules

HERE = Path(__file__).resolve().parent
BRANCHES = HERE / "branches"
YEAR = 2025
PLANTED = 60
CREATED = dt.datetime(2026, 1, 1)

REGIONS = ("华东", "华南", "华北", "西南")
WEATHER = ("晴", "多云", "雨", "雪")
COLUMNS = ("日期", "branch", "区域", "面积(㎡)", "staff", "客流", "promotion", "天气", "气温(℃)", "avg price", "销售额")
# The same eleven headers as three different people write them.
SPELLINGS = (
    COLUMNS,
    ("日期", "Branch", "区域", "面积（㎡）", "Staff", "客流", "Promotion", "天气", "气温（℃）", "Avg Price", "销售额"),
    (
        "日期 ",
        " branch",
        "区域",
        "面积 (㎡)",
        "STAFF",
        "客流",
        "promotion ",
        "天气",
        "气温 (℃)",
        "avg\nprice",
        "销售额",
    ),
)
TITLE_MONTHS = (2, 3, 7, 10)
TOTAL_MONTHS = (3, 5, 8, 11, 12)
TEXT_MONTH = 6


@dataclass(frozen=True)
class Planted:
    """A value that is wrong on purpose."""

    file: str
    sheet: str
    cell: str
    column: str
    was: float
    planted: float


def main() -> None:
    rng = np.random.default_rng(20250101)
    branches = _branches(rng)
    months = {month: _month(rng, branches, month) for month in range(1, 13)}
    chosen = _choose(rng, months)
    planted: list[Planted] = []
    BRANCHES.mkdir(exist_ok=True)
    for month, rows in months.items():
        planted += _write_month(month, rows, chosen)
    _write_planted(planted)
    write_job(HERE / "job.xlsx", job(), overwrite=True, created=CREATED)


def job() -> Job:
    """The sample job: six runs on the branches' sales."""

    def run(name: str, model: Any, loss: Any, note: str, lr: float = 1e-3, **more: Any) -> Run:
        schedule = (schedules.call("warmup", 0.05), schedules.call("cosine"))
        settings = {"epochs": 60, "batch_size": 128, "patience": 12} | more
        optimizer = optimizers.call("adamw", lr=lr)
        return Run(name, "", model, (Term(1.0, loss),), optimizer, schedule, note=note, **settings)

    wide = models.call("mlp", 128, 128)
    huber = losses.call("huber")
    return Job(
        name="branches",
        metric="mae",
        sources=(Source("branches"),),
        columns=(Column("销售额", role="target"),),
        runs=(
            run("linear", models.call("linear"), losses.call("mse"), "the simplest model there is", lr=1e-2),
            run("mlp mse", wide, losses.call("mse"), "punishes large errors most"),
            run("mlp huber", wide, huber, "tolerates wrong values in the target"),
            run("mlp mae", wide, losses.call("mae"), "aims at the typical row"),
            run("small mlp", models.call("mlp", 32), huber, "is a smaller network enough?", lr=3e-3),
            run(
                "deep mlp",
                models.call("mlp", 128, 128, 128, norm="layer", dropout=0.05),
                huber,
                "is a deeper one better?",
            ),
        ),
        shots=(
            Shot("", "Summary!A1:L54", "summary.png"),
            Shot("", "Leaderboard!A1:N27", "leaderboard.png"),
            Shot("branches/2025-03.xlsx", "A1:K14", "march.png"),
        ),
        folder=HERE,
    )


def _branches(rng: np.random.Generator) -> list[dict[str, Any]]:
    return [
        {
            "branch": f"{number:03d}",
            "region": REGIONS[number % len(REGIONS)],
            "area": float(rng.integers(8, 42) * 10),
            "pull": float(rng.uniform(0.75, 1.3)),
        }
        for number in range(1, 17)
    ]


def _month(rng: np.random.Generator, branches: list[dict[str, Any]], month: int) -> list[list[Any]]:
    """The true rows of a month: one per branch and day, in the order of COLUMNS."""
    rows: list[list[Any]] = []
    for day in range(1, calendar.monthrange(YEAR, month)[1] + 1):
        date = dt.date(YEAR, month, day)
        season = -np.cos((date.timetuple().tm_yday - 20) / 365 * 2 * np.pi)
        for branch in branches:
            north = branch["region"] == "华北"
            degrees = 14 + 13 * season - 5 * north + 4 * (branch["region"] == "华南") + rng.normal(0, 2.5)
            weather = rng.choice(3, p=(0.5, 0.3, 0.2))
            weather = 3 if weather == 2 and degrees < 0 else weather
            promotion = rng.random() < (0.35 if date.weekday() >= 4 else 0.12)
            staff = int(max(2, round(branch["area"] / 45 + rng.normal(0, 0.8))))
            visitors = branch["area"] * 1.6 * branch["pull"] * (1 + 0.35 * (date.weekday() >= 5))
            visitors *= (1.0, 0.95, 0.72, 0.6)[weather] * (1 + 0.22 * promotion) * rng.lognormal(0, 0.08)
            price = 46 + 9 * (branch["region"] == "华东") - 5 * promotion + rng.normal(0, 2.0)
            capacity = min(1.0, 0.55 + 70 * staff / visitors)
            sales = visitors * 0.34 * price * capacity * (1 + 0.05 * season) * rng.lognormal(0, 0.035)
            rows.append(
                [
                    date,
                    branch["branch"],
                    branch["region"],
                    branch["area"],
                    staff,
                    int(visitors),
                    "是" if promotion else "否",
                    WEATHER[weather],
                    round(float(degrees), 1),
                    round(float(price), 2),
                    round(float(sales), 2),
                ]
            )
    return rows


def _choose(rng: np.random.Generator, months: dict[int, list[list[Any]]]) -> dict[tuple[int, int], tuple[str, float]]:
    """(month, row) -> (column, factor) of the sixty values that will be wrong: most in sales, some in visitors."""
    everywhere = [(month, row) for month, rows in months.items() for row in range(len(rows))]
    picked = rng.choice(len(everywhere), PLANTED, replace=False)
    factors = rng.choice((10.0, 0.1, 100.0, 0.01, 2.7), PLANTED, p=(0.4, 0.3, 0.1, 0.1, 0.1))
    return {
        everywhere[index]: ("客流", 10.0) if turn % 6 == 5 else ("销售额", float(factor))
        for turn, (index, factor) in enumerate(zip(picked, factors, strict=True))
    }


def _write_month(month: int, rows: list[list[Any]], chosen: dict[tuple[int, int], tuple[str, float]]) -> list[Planted]:
    name, sheet_name = f"{YEAR}-{month:02d}.xlsx", f"{month}月"
    book = xlsxwriter.Workbook(BRANCHES / name, {"default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": CREATED})
    sheet = book.add_worksheet(sheet_name)
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "bottom": 1})
    money = book.add_format({"num_format": "#,##0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    total = book.add_format({"bold": True, "top": 1, "num_format": "#,##0.00"})
    title = book.add_format({"bold": True, "font_size": 14})
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, len(COLUMNS) - 1, 11)
    top = 0
    if month in TITLE_MONTHS:
        sheet.write_string(0, 0, f"{YEAR}年{month}月门店销售日报", title)
        sheet.write_string(1, 0, "制表：总部运营")
        top = 3 if month % 2 else 2
    for column, header in enumerate(SPELLINGS[month % len(SPELLINGS)]):
        sheet.write_string(top, column, header, bold)
    planted = []
    for index, row in enumerate(rows):
        at = top + 1 + index
        values = list(row)
        if (month, index) in chosen:
            column_name, factor = chosen[month, index]
            column = COLUMNS.index(column_name)
            wrong = round(values[column] * factor, 2)
            place = f"{column_letter(column + 1)}{at + 1}"
            planted.append(Planted(name, sheet_name, place, column_name, values[column], wrong))
            values[column] = wrong
        _write_row(sheet, at, values, month == TEXT_MONTH, day, money)
    if month in TOTAL_MONTHS:
        at = top + 1 + len(rows)
        sheet.write_string(at, 0, "合计" if month % 2 else "Total", total)
        letter = column_letter(len(COLUMNS))
        cells = [planted_or(rows, index, chosen, month) for index in range(len(rows))]
        formula = f"=SUM({letter}{top + 2}:{letter}{at})"
        sheet.write_formula(at, len(COLUMNS) - 1, formula, total, round(sum(cells), 2))
    book.close()
    return planted


def planted_or(
    rows: list[list[Any]], index: int, chosen: dict[tuple[int, int], tuple[str, float]], month: int
) -> float:
    """The sales figure as it stands in the book."""
    column, factor = chosen.get((month, index), ("", 1.0))
    sales = float(rows[index][-1])
    return round(sales * factor, 2) if column == "销售额" else sales


def _write_row(sheet: Any, at: int, values: list[Any], as_text: bool, day: Any, money: Any) -> None:
    for column, value in enumerate(values):
        if isinstance(value, dt.date):
            sheet.write_datetime(at, column, dt.datetime.combine(value, dt.time()), day)
        elif isinstance(value, str):
            sheet.write_string(at, column, value)
        elif as_text and COLUMNS[column] in ("客流", "销售额"):
            sheet.write_string(at, column, f"{value:,}")
        else:
            sheet.write_number(at, column, value, money if COLUMNS[column] == "销售额" else None)


def _write_planted(planted: list[Planted]) -> None:
    with (HERE / "planted.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "sheet", "cell", "column", "was", "planted"))
        for one in planted:
            writer.writerow((one.file, one.sheet, one.cell, one.column, one.was, one.planted))


if __name__ == "__main__":
    main()
