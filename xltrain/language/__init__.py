"""Every word that a person reads, in English and Chinese.

`english` and `chinese` hold the same keys: LABELS are the canonical words (sheet names, headers, fields) with what is
shown for them; MESSAGES are sentences with `{places}` to fill in. `chinese.CHOICES` translates the docstrings of
registered choices, whose English stands beside their code. Readers accept the words of both languages.
"""

import locale
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from string import Formatter
from types import ModuleType

from xltrain.language import chinese, english

LANGUAGES: Mapping[str, ModuleType] = {"en": english, "zh": chinese}

_asked: ContextVar[str] = ContextVar("asked", default="")
_job: ContextVar[str] = ContextVar("job", default="")


def current() -> str:
    """The language in force, `en` or `zh`: the one asked for, else XLTRAIN_LANGUAGE, the job's, the system's."""
    return _asked.get() or normal(os.environ.get("XLTRAIN_LANGUAGE", "")) or _job.get() or system()


def use(name: str) -> None:
    """Ask for `en` or `zh`; an empty name asks for none."""
    _asked.set(normal(name))


@contextmanager
def using(asked: str = "", job: str = "") -> Iterator[None]:
    """Inside the block, speak the language asked for, or the job's where nobody asked; empty names change nothing."""
    tokens = _asked.set(normal(asked) or _asked.get()), _job.set(normal(job) or _job.get())
    try:
        yield
    finally:
        _asked.reset(tokens[0])
        _job.reset(tokens[1])


def normal(name: str) -> str:
    """`zh_CN.UTF-8`, `Chinese`, `中文` -> zh; anything else that is not empty -> en; empty stays empty."""
    name = name.strip().lower()
    if not name or name == "auto":
        return ""
    return "zh" if name.startswith(("zh", "chinese", "中", "汉")) else "en"


@cache
def system() -> str:
    """The language of the system."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return normal(chosen or locale.getlocale()[0] or "en") or "en"


class _Filling(Formatter):
    """Fills in places; `{rows} row{rows:?s}` is one row or several rows, `{rows:?is|are}` the verb to it; `{path:"}` is
    a word, or a list of them, as one types it in a command.
    """

    def format_field(self, value: object, format_spec: str) -> str:
        if format_spec == '"':
            words = value if isinstance(value, (list, tuple)) else [value]
            return " ".join(_typed(str(each)) for each in words)
        if not format_spec.startswith("?"):
            return str(super().format_field(value, format_spec))
        one, _, several = format_spec[1:].rpartition("|")
        return one if str(value) == "1" else several


def _typed(word: str) -> str:
    """In quotes where the shells of all systems, or one of them, would take the word apart."""
    return word if re.fullmatch(r"[\w./\\:+@%~-]+", word) else f'"{word}"'


def text(key: str, /, **values: object) -> str:
    """The sentence `key` in the current language with its places filled in."""
    template: str = LANGUAGES[current()].MESSAGES[key]
    return _Filling().vformat(template, (), values)


def listed(things: Iterable[object]) -> str:
    """Things one after another, parted as the current language parts them: `a, b` or `a、b`."""
    return text("comma").join(map(str, things))


def sentences(*said: str) -> str:
    """Whole sentences one after another, those that are empty left out."""
    return text("sentence_gap").join(each for each in said if each)


def label(word: str) -> str:
    """What is shown for a canonical word: the word itself where no twin is declared."""
    shown: str = LANGUAGES[current()].LABELS.get(word, word)
    return shown


def canonical(shown: str) -> str:
    """The canonical word behind a label in either language, whatever its case and spacing; else the text itself."""
    return _words().get(_folded(shown), shown.strip())


def describe(key: str, english_text: str) -> str:
    """The description of a registered choice: its English docstring, or the Chinese twin of `key`.

    `key` is `losses.huber` for the choice and `losses.huber.delta` for a parameter; a parameter that means the same
    everywhere may stand once, as `.lr`.
    """
    if current() == "en":
        return english_text
    twins: dict[str, str] = chinese.CHOICES
    return twins.get(key) or twins.get("." + key.rpartition(".")[2]) or english_text


def _folded(shown: str) -> str:
    return " ".join(shown.replace("_", " ").split()).casefold()


@cache
def _words() -> dict[str, str]:
    words = {_folded(word): word for words in LANGUAGES.values() for word in words.LABELS}
    for language in LANGUAGES.values():
        for word, shown in language.LABELS.items():
            words.setdefault(_folded(shown), word)
    return words
