"""What every registered choice must pass, without a line for any single one."""

import pytest

import xltrain.choices  # noqa: F401
from xltrain.registry import REGISTRIES, Choice, Parameter

CHOICES = [choice for registry in REGISTRIES.values() for choice in registry.values()]
PARAMETERS = [(choice, parameter) for choice in CHOICES for parameter in choice.parameters]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: f"{choice.kind}.{choice.name}")
def test_says_what_it_is_and_takes_its_defaults(choice: Choice) -> None:
    assert choice.english.endswith((".", ":"))
    call, wrong = choice.bind()
    assert wrong == []
    assert str(call) == choice.name or any(parameter.many for parameter in choice.parameters)


@pytest.mark.parametrize(("choice", "parameter"), PARAMETERS, ids=lambda each: getattr(each, "name", "?"))
def test_refuses_a_value_that_breaks_a_limit(choice: Choice, parameter: Parameter) -> None:
    for limit in parameter.limits:
        bad = limit.bad()
        value = (bad, bad) if "tuple" in str(parameter.type) else bad
        given = ((value,), {}) if parameter.many else ((), {parameter.name: value})
        _, wrong = choice.bind(*given)
        assert len(wrong) == 1
        assert parameter.name in wrong[0]


@pytest.mark.parametrize(("choice", "parameter"), PARAMETERS, ids=lambda each: getattr(each, "name", "?"))
@pytest.mark.parametrize("value", [("x", "y", "z"), float("nan"), -1, "no-such-word", True, 0.5], ids=str)
def test_refuses_a_value_of_another_type(choice: Choice, parameter: Parameter, value: object) -> None:
    """What is taken is of the declared type; everything else gives one message that names the parameter."""
    call, wrong = choice.bind(*(((value,), {}) if parameter.many else ((), {parameter.name: value})))
    if not wrong:
        taken = call[parameter.name]
        if parameter.many:
            taken = taken[0]
        kind = str(parameter.type)
        words = {"'float'": float, "'int'": int, "'bool'": bool, "'str'": str}
        known = next((python for word, python in words.items() if word in kind), (tuple, str))
        assert isinstance(taken, known)
        assert taken == taken
        return
    assert len(wrong) == 1
    assert parameter.name in wrong[0]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: f"{choice.kind}.{choice.name}")
def test_offers_the_nearest_parameter(choice: Choice) -> None:
    named = [parameter.name for parameter in choice.parameters if not parameter.many]
    if named:
        _, wrong = choice.bind((), {named[0] + "x": 1})
        assert f"'{named[0]}'" in wrong[0]
