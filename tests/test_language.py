"""Both languages say everything, and nothing is said that neither knows."""

import ast
import re
import string
from functools import cache
from pathlib import Path

import pytest

import xltrain.choices  # noqa: F401
from xltrain import language
from xltrain.language import chinese, english
from xltrain.place import Place, Problem
from xltrain.registry import REGISTRIES

ROOT = Path(__file__).resolve().parents[1] / "xltrain"


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@cache
def nodes() -> list[ast.AST]:
    """Every part of the package's code outside the language files; read once, which takes seconds."""
    files = (path for path in ROOT.rglob("*.py") if path.name not in ("english.py", "chinese.py"))
    return [node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8")))]


def calls(function: str) -> set[str]:
    """Every literal first argument of `function(...)` in the package."""
    found = set()
    for node in nodes():
        if isinstance(node, ast.Call) and node.args and _name(node.func) == function:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def _name(called: ast.expr) -> str:
    """The last name of what is called."""
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


PREFIXES = ("about_", "doubt_", "expected_", "heading_", "help_", "how_", "join_", "kind_", "too_few_", "no_", "note_")


def constants() -> set[str]:
    """Every string in the package outside the language files."""
    return {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_messages_have_the_same_keys_and_places() -> None:
    assert english.MESSAGES.keys() == chinese.MESSAGES.keys()
    for key, message in english.MESSAGES.items():
        assert places(message) == places(chinese.MESSAGES[key]), key


def test_labels_have_the_same_keys() -> None:
    assert english.LABELS.keys() == chinese.LABELS.keys()


def test_every_message_that_is_said_is_known_and_none_is_left_over() -> None:
    assert calls("text") - english.MESSAGES.keys() == set()
    # Some keys are put together from a prefix and what it is about: text(f"help_{name}").
    left = {key for key in english.MESSAGES.keys() - constants() if not key.startswith(PREFIXES)}
    assert left == set()


@pytest.mark.parametrize("name", ["en", "zh"])
def test_labels_map_back_to_their_word(name: str) -> None:
    for word, shown in language.LANGUAGES[name].LABELS.items():
        assert language.canonical(shown) == word


def test_every_choice_and_parameter_has_a_chinese_twin() -> None:
    with language.using("zh"):
        for registry in REGISTRIES.values():
            for choice in registry.values():
                assert choice.summary != choice.english, f"{choice.kind}.{choice.name}"
                for parameter in choice.parameters:
                    assert choice.about(parameter) != parameter.summary, f"{choice.kind}.{choice.name}.{parameter.name}"


def test_no_chinese_description_without_a_choice() -> None:
    known = {f"{kind}.{name}" for kind, registry in REGISTRIES.items() for name in registry}
    parameters = {
        key
        for registry in REGISTRIES.values()
        for choice in registry.values()
        for parameter in choice.parameters
        for key in (f"{choice.kind}.{choice.name}.{parameter.name}", "." + parameter.name)
    }
    assert chinese.CHOICES.keys() <= known | parameters


def test_language_follows_flag_then_variable_then_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLTRAIN_LANGUAGE", "zh_CN.UTF-8")
    assert language.current() == "zh"
    with language.using("en"):
        assert language.current() == "en"
    monkeypatch.delenv("XLTRAIN_LANGUAGE")
    with language.using(job="zh"):
        assert language.current() == "zh"
        with language.using("en"):
            assert language.current() == "en"


def test_words_of_a_command_are_in_quotes_where_a_shell_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(english.MESSAGES, "made up", 'xltrain new {file:"} --from {books:"}')
    with language.using("en"):
        said = language.text("made up", file="a b.xlsx", books=["c\\d.xlsx", "销售 (1)"])
    assert said == 'xltrain new "a b.xlsx" --from c\\d.xlsx "销售 (1)"'


@pytest.mark.parametrize(("count", "said"), [("1", "1 row stands"), (1, "1 row stands"), ("1,000", "1,000 rows stand")])
def test_one_row_is_no_rows(count: object, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(english.MESSAGES, "made up", "{count} row{count:?s} {count:?stands|stand}")
    with language.using("en"):
        assert language.text("made up", count=count) == said


@pytest.mark.parametrize(("name", "things", "told"), [("en", "a, 2", "One. Two."), ("zh", "a、2", "One.Two.")])
def test_lists_and_sentences_are_parted_as_the_language_does(name: str, things: str, told: str) -> None:
    with language.using(name):
        assert language.listed(["a", 2]) == things
        assert language.sentences("One.", "", "Two.") == told
        assert str(Problem(Place("a.xlsx"), "one", "two")) == f"a.xlsx: one{language.text('semicolon')}two"


def test_chinese_sentences_have_chinese_signs() -> None:
    """No half-width comma, semicolon or question mark after a Chinese character, and no blank after a full sign."""
    wrong = re.compile(r"[\u3400-\u9fff”）}][,;?!] |[\u3400-\u9fff][,;?](?![a-z])|[。；，、] ")
    examples = ("mse, cross_entropy", "A, B, C", "供热, 制冷")
    for key, said in chinese.MESSAGES.items():
        for example in examples:
            said = said.replace(example, "")
        assert not wrong.search(said), key


ONLY_MERGE = ("--recalculate", "--drop-duplicates", "--hidden", "--dates", "--decimal", "--type", "--password")
OF_THEIR_COMMAND = ("help_", "type_", "join_", "shot_", "recalculate_", "book_password_wrong")


@pytest.mark.parametrize("name", ["en", "zh"])
def test_hints_name_the_command_that_has_the_option(name: str) -> None:
    """The same hint is told by every command that reads books."""
    for key, said in language.LANGUAGES[name].MESSAGES.items():
        if not key.startswith(OF_THEIR_COMMAND) and any(option in said for option in ONLY_MERGE):
            assert "xltrain merge" in said, key
