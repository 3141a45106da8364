"""The rooms of the package: what may import what, no cycles, and what stays unloaded at start."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "xltrain"
CORE = {"place", "errors", "registry", "lazy", "events", "language"}

# A room, or a module of one -> what it may import of xltrain, besides itself and CORE.
MAY_IMPORT = {
    **{name: set() for name in CORE},
    "choices": set(),
    "worker": set(),
    "excel": {"worker"},
    "config": {"choices", "excel"},
    "data": {
        "choices",
        "worker",
        "excel.book",
        "excel.bulk",
        "excel.grid",
        "excel.heading",
        "excel.patch",
        "excel.read",
        "excel.structure",
        "excel.package",
        "excel.write",
        "config.settings",
    },
    "engine": {"choices", "data", "config.settings"},
    "report": {
        "engine.result",
        "engine.audited",
        "data.table",
        "data.merge",
        "data.fingerprint",
        "data.decided",
        "data.profile",
        "data.slips",
        "data.written",
        "data.values",
        "excel",
        "config.settings",
        "config.condition",
    },
    "workflow": {"choices", "config", "data", "engine", "excel", "report", "worker"},
    "cli": {"workflow", "config", "choices"},
}
STANDARD_ONLY = CORE
HEAVY_FREE = {"data": {"torch"}, "report": {"torch"}, "config": {"torch", "pandas", "openpyxl", "pyarrow"}}
NEVER = {"pickle", "shelve", "marshal", "dill", "joblib"}


def modules() -> dict[str, Path]:
    """Dotted name below xltrain -> file; packages by the name of their folder."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file, parsed once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> set[str]:
    """Everything a file imports, function-level imports included, TYPE_CHECKING blocks excluded."""
    tree = tree_of(path)
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def inner(names: set[str]) -> set[str]:
    """The modules of xltrain among imported names."""
    found = set()
    for name in names:
        if name == "xltrain" or not name.startswith("xltrain."):
            continue
        parts = name.split(".")[1:]
        while parts and ".".join(parts) not in MODULES:
            parts.pop()
        if parts:
            found.add(".".join(parts))
    return found


@cache
def used_by(module: str) -> set[str]:
    """The modules of xltrain that one imports; looked up when asked for, since all take seconds."""
    return inner(imports(MODULES[module])) - {module}


@pytest.mark.parametrize("module", [name for name in MODULES if name and name != "__main__"])
def test_imports_only_what_its_room_may(module: str) -> None:
    room = module.partition(".")[0]
    allowed = MAY_IMPORT[room] | CORE | {room}
    for used in used_by(module):
        assert any(used == name or used.startswith(name + ".") for name in allowed), f"{module} imports {used}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.partition(".")[0] in STANDARD_ONLY])
def test_core_is_standard_library_only(module: str) -> None:
    outside = {name.partition(".")[0] for name in imports(MODULES[module])} - {"xltrain"}
    assert outside <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("room", HEAVY_FREE)
def test_rooms_stay_free_of_heavy_packages(room: str) -> None:
    for module, path in MODULES.items():
        if module.partition(".")[0] == room:
            heavy = {name.partition(".")[0] for name in imports(path)} & HEAVY_FREE[room]
            assert not heavy, f"{module} imports {heavy}"
            assert "xltrain.lazy.torch" not in imports(path), module


def test_only_cli_imports_click_or_prints() -> None:
    for module, path in MODULES.items():
        if module.partition(".")[0] == "cli":
            continue
        assert not {name for name in imports(path) if name.partition(".")[0] in {"click", "rich"}}, module
        calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        assert not [call for call in calls if ast.unparse(call.func) in {"print", "sys.exit", "eval", "exec"}], module


def test_nothing_that_can_run_code_from_a_file() -> None:
    for module, path in MODULES.items():
        assert not {name.partition(".")[0] for name in imports(path)} & NEVER, module


def test_no_cycles() -> None:
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for used in used_by(module):
                visit(used, (*trail, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_files_can_be_read_in_one_sitting(module: str) -> None:
    if module.startswith("language"):
        return  # a dictionary, not code
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= 500


FRESH = """
import sys
from xltrain.cli import run
code = run({arguments!r})
heavy = sorted({{"torch", "pandas", "openpyxl", "sklearn", "pyarrow"}} & set(sys.modules))
assert code == {code}, code
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["fit", "--help"], 0),
        (["list"], 0),
        (["list", "losses"], 0),
        (["new", "JOB.xlsx"], 0),
        (["check", "samples/job.xlsx"], 0),
    ],
)
def test_light_commands_leave_heavy_packages_unloaded(tmp_path: Path, arguments: list[str], code: int) -> None:
    arguments = [argument.replace("JOB", str(tmp_path / "job")) for argument in arguments]
    script = FRESH.format(arguments=arguments, code=code)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", cwd=ROOT.parent, timeout=60
    )
    assert done.returncode == 0, done.stderr
