"""The words and signs of a cell."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xltrain.language import text


class ParseError(ValueError):
    """What is wrong in a cell, one message each; `check` adds the place."""

    def __init__(self, *messages: str) -> None:
        self.messages = tuple(dict.fromkeys(messages))
        super().__init__(text("semicolon").join(self.messages))


@dataclass(frozen=True)
class Token:
    """`kind` is number, word, text, sign or end; `start` counts characters from 0."""

    kind: str
    text: str
    start: int
    number: int | float = 0


# Full-width ASCII, the ideographic space and comma, the minus sign: one character for one, so that positions hold.
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 32, 0x3001: 44, 0x2212: 45}
_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」"}
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?:(?=\.\.)|(?![\w.]))")
_WORD = re.compile(r"\w[\w.]*(?:-[^\W\d][\w.]*)*")
_PERCENT = re.compile(r"\s*%")
_SIGNS = "()[],=:|>+*-"


def narrow(cell: str) -> str:
    """Full-width signs, letters and digits as their narrow twins; as many characters as before."""
    return cell.translate(_NARROW)


def tokenize(cell: str) -> list[Token]:
    """Every token of a cell, an `end` last."""
    return list(_tokens(cell))


def _tokens(cell: str) -> Iterator[Token]:
    plain = narrow(cell)
    at = 0
    while at < len(plain):
        sign = plain[at]
        if sign.isspace():
            at += 1
        elif sign in _CLOSING:
            quoted, end = _quoted(cell, plain, at)
            yield Token("text", quoted, at)
            at = end
        elif plain.startswith("..", at):
            yield Token("sign", "..", at)
            at += 2
        elif found := _NUMBER.match(plain, at):
            percent = _PERCENT.match(plain, found.end())
            yield Token("number", found[0], at, _number(found[0], bool(percent)))
            at = percent.end() if percent else found.end()
        elif found := _WORD.match(plain, at):
            yield Token("word", found[0], at)
            at = found.end()
        elif sign in _SIGNS:
            yield Token("sign", sign, at)
            at += 1
        else:
            raise ParseError(text("unexpected_sign", found=cell[at], position=at + 1))
    yield Token("end", "", len(plain))


def _quoted(cell: str, plain: str, start: int) -> tuple[str, int]:
    """The text between quotes as it stands, a doubled quote meaning one; and where it ends."""
    close = _CLOSING[plain[start]]
    found = ""
    at = start + 1
    while at < len(plain):
        if plain[at] == close:
            if plain[at + 1 : at + 2] != close:
                return found, at + 1
            at += 1
        found += cell[at]
        at += 1
    raise ParseError(text("quote_open", position=start + 1))


def _number(digits: str, percent: bool) -> int | float:
    if percent:
        return float(f"{float(digits) / 100:.15g}")  # 7% is 0.07, not 0.07000000000000001
    return int(digits) if digits.isdigit() else float(digits)
