"""What a column is, from its values and its name."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from xltrain.config.settings import Column
from xltrain.data.columns import facts, infer
from xltrain.data.header import find
from xltrain.data.table import Origin, Table
from xltrain.errors import DataError


def table(**columns: list[Any]) -> Table:
    data = pa.table(columns)
    count = data.num_rows
    return Table(data, (Origin("a.xlsx", "S"),), np.zeros(count, np.int32), np.arange(2, count + 2, dtype=np.int32))


def kinds(found: list[Column]) -> dict[str, tuple[str, str]]:
    return {column.name: (column.type, column.role) for column in found}


def test_types_and_roles_follow_from_values() -> None:
    count = 200
    found = infer(
        table(
            n=[0.5 * row for row in range(count)],
            kind=["ab"[row % 2] for row in range(count)],
            yes=[row % 3 == 0 for row in range(count)],
            day=[dt.datetime(2024, 1, 1) + dt.timedelta(days=row) for row in range(count)],
            iso=[f"2024-01-{row % 28 + 1:02}" for row in range(count)],
            订单编号=[f"X{row:06}" for row in range(count)],
            序号=list(range(1, count + 1)),
            remark=[f"a long remark that nobody wrote twice, number {row}" for row in range(count)],
            备注=[f"客户要求退款，订单 {row} 已经处理完毕" for row in range(count)],
            nothing=pa.nulls(count, pa.float64()),
            y=[float(row % 7) for row in range(count)],
        ),
        (),
        ["Y"],
    )
    assert kinds(found) == {
        "n": ("numeric", "feature"),
        "kind": ("category", "feature"),
        "yes": ("boolean", "feature"),
        "day": ("date", "feature"),
        "iso": ("date", "feature"),
        "订单编号": ("id", "id"),
        "序号": ("id", "id"),
        "remark": ("text", "feature"),
        "备注": ("text", "feature"),
        "nothing": ("numeric", "ignore"),
        "y": ("numeric", "target"),
    }


def test_a_job_goes_before_the_values() -> None:
    found = infer(
        table(n=[1, 2, 3], y=[1, 2, 3]), (Column("N", type="category", role="group"), Column("y", role="target"))
    )
    assert kinds(found) == {"n": ("category", "group"), "y": ("numeric", "target")}


def test_a_column_of_the_job_that_is_not_there() -> None:
    with pytest.raises(DataError, match="did you mean 'price'"):
        infer(table(price=[1], y=[2]), (Column("prise"),))


def test_facts() -> None:
    found = facts(table(kind=["a", "b", "a", None]))["kind"]
    assert (found.missing, found.distinct, found.examples) == (1, 2, ("a", "b"))


def test_find_takes_any_unambiguous_beginning() -> None:
    names = ["Concrete compressive strength(MPa, megapascals) ", "Age (day)", "销售额（元）", "销量", "Age"]
    assert find("concrete COMPRESSIVE", names) == names[0]
    assert find("销售额", names) == "销售额（元）"
    assert find("age", names) == "Age"
    with pytest.raises(DataError, match="销量"):
        find("销", names)
    with pytest.raises(DataError, match="Age"):
        find("Agee", names)
