"""The errors that xltrain raises on purpose, each with its exit code.

XltrainError            1   anything that went wrong in a way the user can act on
├── ConfigError         2   the job, a flag or a call in a cell
├── DataError           3   what the input books hold
├── WorkbookError       4   a file that cannot be read or written
├── TrainingError       5   a training that cannot give a result
└── RequirementError    6   a `--require` that does not hold

Every error carries its problems; only `cli` catches and prints them.
"""

from collections.abc import Iterable
from typing import ClassVar

from xltrain.place import Place, Problem


class XltrainError(Exception):
    """One or more problems, sorted by place, that stop the work."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: tuple[Problem, ...] = tuple(sorted(dict.fromkeys(found), key=Problem.order))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, place: Place | None, message: str, hint: str = "") -> "XltrainError":
        """The error of a single problem."""
        return cls(Problem(place, message, hint))


class ConfigError(XltrainError):
    exit_code = 2


class DataError(XltrainError):
    exit_code = 3


class WorkbookError(XltrainError):
    exit_code = 4


class TrainingError(XltrainError):
    exit_code = 5


class RequirementError(XltrainError):
    exit_code = 6
