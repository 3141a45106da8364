"""What a cell offers: ready texts for its dropdown, the message beside it and the note on its header."""

from collections.abc import Sequence

from xltrain.config.call import parse_variants, to_call, to_loss, to_schedule
from xltrain.config.fields import Field
from xltrain.config.tokens import ParseError
from xltrain.language import label, listed, text
from xltrain.registry import REGISTRIES, Call, Choice, show

# Combinations that show what the grammar can do; those of choices come from the registry.
COMBINED = {
    "models": ("mlp(256, 128, norm=batch, dropout=0.1)", "mlp(128, 128, residual=true)", "mlp(64|128|256)"),
    "losses": ("0.7*mse + 0.3*mae", "cross_entropy(class_weight=balanced)", "pinball(q=0.1|0.5|0.9)"),
    "optimizers": ("adamw(lr=1e-2|1e-3|1e-4)", "adamw(lr=logspace(1e-5, 1e-1, 9))"),
    "schedules": ("warmup(5%) > cosine", "warmup(5%) > constant"),
}
MESSAGE_LIMIT = 255  # Excel's, for the message beside a cell
TITLE_LIMIT = 32
_GRID_EXAMPLES = {"Runs": {"optimizer": "adamw(lr=1e-2|1e-3)", "model": "mlp(64|128)", "loss": "mse | mae"}}


def ready_calls(kind: str, task: str = "") -> list[str]:
    """Texts that a cell may hold as they stand: every choice alone and spelled out, then combinations.

    Losses and metrics of another task than `task` are left out.
    """
    choices = [each for each in REGISTRIES[kind].values() if task in ("", "auto") or _fits(each, task)]
    names = {each.name for each in choices}
    found = [*(each.name for each in choices), *filter(None, map(spelled_out, choices)), *COMBINED.get(kind, ())]
    return [each for each in dict.fromkeys(found) if _is_good(kind, each, names)]


def _fits(choice: Choice, task: str) -> bool:
    return bool(choice.facts.get("task", task) == task)


def _is_good(kind: str, cell: str, names: set[str]) -> bool:
    """Whether the text means something, with choices of `names` alone."""
    try:
        if kind == "losses":
            named = {term.call.name for _, terms in parse_variants(cell, to_loss) for term in terms}
            return named <= names
        if kind == "schedules":
            return bool(parse_variants(cell, to_schedule))
        return bool(parse_variants(cell, lambda node: to_call(kind, node)))
    except ParseError:
        return False


def spelled_out(choice: Choice) -> str:
    """`huber(delta=1)`: the first hyperparameters with their defaults, so that one sees what can be changed."""
    shown = [each for each in choice.parameters if not each.required and each.default not in ("", None)]
    many = [show(value) for each in shown if each.many for value in each.default]
    named = [f"{each.name}={show(each.default)}" for each in shown if not each.many][:2]
    return f"{choice.name}({', '.join([*many, *([] if many else named)])})" if many or named else ""


def offers(field: Field, task: str = "", targets: Sequence[str] = (), splits: Sequence[Call] = ()) -> list[str]:
    """The texts of a cell's dropdown; empty for a cell that has none."""
    if field.type == "word":
        return [label(word) if field.header != "language" else word for word in field.words]
    if field.type is bool:
        return [label("yes"), label("no")]
    if field.header == "target":
        return list(targets)
    if field.type in REGISTRIES:
        ready = ready_calls(field.type, task)
        return list(dict.fromkeys([*map(str, splits), *ready])) if field.type == "splits" else ready
    return []


def message(field: Field) -> str:
    """What appears beside the cell when it is selected: at most 255 characters."""
    parts = [field.about]
    if field.type in REGISTRIES:
        parts += [text("input_known", names=listed(REGISTRIES[field.type])), text("input_any")]
    elif field.limits:
        parts.append(text("header_note_limits", rule=listed(map(str, field.limits))))
    return shortened(" ".join(parts), MESSAGE_LIMIT)


def header_note(field: Field) -> str:
    """The note on a header: what the column is for, its default, its limits and, for choices, what each one is."""
    lines = [field.about]
    if field.default not in ("", None) and field.folded:
        lines.append(text("header_note_default", value=_shown_default(field)))
    if field.limits:
        lines.append(text("header_note_limits", rule=listed(map(str, field.limits))))
    if field.type in REGISTRIES:
        lines += ["", *(f"{each.name}: {each.summary}" for each in REGISTRIES[field.type].values())]
    example = _GRID_EXAMPLES.get(field.sheet, {}).get(field.header)
    if field.grid and example:
        lines += ["", text("header_note_grid", example=example)]
    return "\n".join(lines)


def _shown_default(field: Field) -> str:
    if field.type is bool:
        return label("yes" if field.default else "no")
    return label(field.default) if field.type == "word" else str(field.default)


def shortened(sentence: str, limit: int) -> str:
    """Cut at a word's end, with an ellipsis."""
    if len(sentence) <= limit:
        return sentence
    cut = sentence[: limit - 1]
    return (cut.rpartition(" ")[0] if " " in cut[limit // 2 :] else cut).rstrip(",，、 ") + "…"
