"""Say whether the later of two fits is better, and what made it so."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xltrain.choices  # noqa: F401  (declares the metrics)
from xltrain.errors import ConfigError, RequirementError, WorkbookError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import next_free, output_book, replacing
from xltrain.language import text
from xltrain.place import Problem
from xltrain.report.compare import as_text, sentence, write_compare
from xltrain.report.difference import Difference, Scores, difference, read_side
from xltrain.report.record import beside
from xltrain.workflow.copies import check_unread

OUTPUT = "compare.xlsx"
__all__ = ["Compared", "as_text", "compare"]

CONDITIONS = {"not worse": ("better", "alike"), "better": ("better",)}
_TWINS = {"不变差": "not worse", "不更差": "not worse", "变好": "better", "更好": "better"}


@dataclass(frozen=True)
class Compared:
    """What differs between two fits, and the workbook that says so."""

    output: Path
    difference: Difference

    @property
    def sentences(self) -> dict[str, str]:
        """For each target, what was changed and what it did."""
        return {each.target: sentence(self.difference, each) for each in self.difference.targets}

    def summary(self) -> dict[str, Any]:
        """What `xltrain compare --json` prints."""
        found = self.difference
        return {
            "output": str(self.output),
            "rows": {
                "unchanged": len(found.matched.unchanged[0]),
                "changed": len(found.matched.changed[0]),
                "removed": len(found.matched.removed),
                "added": len(found.matched.added),
            },
            "cells": [
                {
                    "place": str(each.after),
                    "column": each.column,
                    "was": _plain(each.was),
                    "now": _plain(each.now),
                }
                for each in found.cells[:1000]
            ],
            "settings": [vars(each) for each in found.settings],
            "targets": [
                {
                    "target": each.target,
                    "verdict": each.verdict,
                    "sentence": sentence(found, each),
                    "measure": each.measure,
                    "gain": _plain(each.gain),
                    "interval": [_plain(each.low), _plain(each.high)],
                    "same_fold": _plain(each.same_fold),
                    "unchanged_rows": _scores(each.common),
                    "changed_rows": _scores(each.changed),
                    "removed_rows": _scores(each.removed),
                    "added_rows": _scores(each.added),
                }
                for each in found.targets
            ],
        }


def compare(
    before: str | Path,
    after: str | Path,
    output: str | Path | None = None,
    *,
    require: Sequence[str] = (),
    overwrite: bool = False,
    listen: Listener = ignore,
) -> Compared:
    """Compare two results workbooks, or their folders.

    Args:
        output: the workbook to write; compare.xlsx in the current folder otherwise, numbered where that is taken.
        require: `not worse` or `better`.

    Raises:
        WorkbookError: results whose folder is missing or of another version, or that share no target.
        RequirementError: a condition does not hold; the workbook has been written.
    """
    conditions = [_condition(each) for each in require]
    paths = [Path(each) for each in (before, after)]
    problems: list[Problem] = []
    sides = []
    for path in paths:
        try:
            sides.append(read_side(path))
        except WorkbookError as error:
            problems += error.problems
    if problems:
        raise WorkbookError(problems)
    target = output_book(output, next_free(Path(OUTPUT)))
    check_unread([target], [*paths, *(beside(path).with_name(beside(path).name + ".xlsx") for path in paths)])
    with replacing(target, overwrite) as temporary:
        found = difference(*sides)
        write_compare(temporary, found)
    listen(Wrote(str(target)))
    done = Compared(target, found)
    failed = [
        Problem(None, text("compare_require_failed", condition=condition, sentence=sentence(found, each)))
        for condition in conditions
        for each in found.targets
        if each.verdict not in CONDITIONS[condition]
    ]
    if failed:
        raise RequirementError(failed)
    return done


def _condition(said: str) -> str:
    plain = " ".join(said.replace("_", " ").replace("-", " ").split()).lower()
    plain = _TWINS.get(plain, plain)
    if plain not in CONDITIONS:
        raise ConfigError(Problem(None, text("compare_require_form", found=said)))
    return plain


def _scores(scores: Scores) -> dict[str, Any]:
    return {
        "rows": scores.rows,
        "before": {name: _plain(value) for name, value in scores.before.items()},
        "after": {name: _plain(value) for name, value in scores.after.items()},
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
