"""A worker that dies, hangs or eats memory costs one clear line; the next call works."""

import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from xltrain import language, worker
from xltrain.errors import DataError, WorkbookError
from xltrain.place import Place, Problem

HERE = f"{__name__}:"
FILE = Path("some book.xlsx")


def add(first: int, second: int) -> int:
    return first + second


def speak() -> str:
    print("this must not reach the answer")
    return language.current()


def refuse() -> None:
    raise DataError([Problem(Place("a.xlsx", "S", 3, 4), "wrong", "mend it"), Problem(None, "also wrong")])


def panic() -> None:
    raise BaseException("reader panicked\nwith a long story")


def die() -> None:
    import os

    os.abort()


def sleep() -> None:
    time.sleep(60)


def rest(seconds: float) -> None:
    time.sleep(seconds)


def eat() -> int:
    eaten = []
    while True:
        eaten.append(bytearray(64 << 20))
        time.sleep(0.01)


def test_an_answer_comes_back_in_the_language_of_the_caller() -> None:
    assert worker.call(HERE + "add", FILE, first=2, second=3) == 5
    with language.using("zh"):
        assert worker.call(HERE + "speak", FILE) == "zh"


def test_what_was_raised_on_purpose_is_raised_here() -> None:
    with pytest.raises(DataError) as caught:
        worker.call(HERE + "refuse", FILE)
    assert [str(each) for each in caught.value.problems] == ["also wrong", "a.xlsx!S!D3: wrong; mend it"]


@pytest.mark.parametrize("name", ["panic", "die", "sleep", "eat"])
def test_what_ends_badly_is_one_line_and_the_next_call_works(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SECONDS", 1.0 if name == "sleep" else 20.0)
    monkeypatch.setattr(worker, "MEMORY", 400 << 20)
    with pytest.raises(WorkbookError) as caught:
        worker.call(HERE + name, FILE)
    assert len(caught.value.problems) == 1
    assert "some book.xlsx" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert worker.call(HERE + "add", FILE, first=1, second=1) == 2


def test_files_beside_the_books_are_no_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('executed')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    worker.close()
    assert worker.call(HERE + "add", FILE, first=1, second=2) == 3


def test_answers_keep_the_order_of_the_calls() -> None:
    calls = [(FILE, {"first": number, "second": 0}) for number in range(12)]
    assert [each.result() for each in worker.call_all(HERE + "add", calls)] == list(range(12))


def test_calls_that_are_left_half_way_are_not_waited_for() -> None:
    """The collector may end them in any thread, whatever locks that holds."""
    calls = worker.call_all(HERE + "rest", [(FILE, {"seconds": 0.0}), *[(FILE, {"seconds": 2.0})] * 20])
    assert isinstance(calls, Generator)
    next(calls)
    began = time.monotonic()
    calls.close()
    assert time.monotonic() - began < 1.0
