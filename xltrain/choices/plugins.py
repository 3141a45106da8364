"""Choices of other packages: each entry point of the group `xltrain.choices` names a module that declares some.

A package that cannot be loaded, or declares something incomplete, is left out whole; what is wrong with it is told in
one line. See docs/plugins.md.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from xltrain.language import listed, text
from xltrain.place import Problem
from xltrain.registry import REGISTRIES, Choice

GROUP = "xltrain.choices"
NEEDED = {  # facts without which the engine could not use a choice
    "losses": {"task"},
    "metrics": {"task", "needs", "better"},
    "optimizers": {"state"},
    "encoders": {"values"},
    "splits": {"needs"},
}

_Known = Mapping[str, Mapping[str, Choice]]
_broken: dict[str, str] = {}  # package -> what is wrong with it


def load() -> None:
    """Declare the choices of every installed package."""
    for entry in entry_points(group=GROUP):
        before = {kind: dict(registry) for kind, registry in REGISTRIES.items()}
        wrong = _load(entry, before)
        if wrong:
            _broken[entry.dist.name if entry.dist else entry.value] = wrong
            for kind, registry in REGISTRIES.items():
                registry.restore(before[kind])


def problems() -> list[Problem]:
    """One line on each package that was left out."""
    return [
        Problem(None, text("plugin_broken", package=package, reason=reason), text("plugin_broken_hint"))
        for package, reason in _broken.items()
    ]


def _load(entry: EntryPoint, before: _Known) -> str:
    """Import what an entry point names; what is wrong with it, empty when nothing is."""
    try:
        entry.load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module does must not stop a job that needs none
        return " ".join(f"{type(error).__name__}: {error}".split())
    for kind, registry in REGISTRIES.items():
        for name, choice in registry.items():
            lacking = sorted(NEEDED.get(kind, set()) - set(choice.facts)) if name not in before[kind] else []
            if lacking:
                return text("plugin_lacks", kind=kind, name=name, facts=listed(lacking))
    return ""
