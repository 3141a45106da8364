"""Changes somebody's workbook without losing anything: a copy in which only what was asked for is different."""

from xltrain.excel.patch.book import KINDS, check_kind, patch_book
from xltrain.excel.patch.model import Addition, Edit, Mark, NewColumn, NewSheet, Patched, Placed
from xltrain.excel.patch.record import copy_kind
from xltrain.excel.patch.undo import addition_of, undo_book

__all__ = [
    "KINDS",
    "Addition",
    "Edit",
    "Mark",
    "NewColumn",
    "NewSheet",
    "Patched",
    "Placed",
    "addition_of",
    "check_kind",
    "copy_kind",
    "patch_book",
    "undo_book",
]
