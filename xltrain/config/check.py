"""Raw values to settings, or every problem at once, each with its cell."""

import importlib.util
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xltrain.config.call import MAX_GRID
from xltrain.config.condition import parse_conditions
from xltrain.config.fields import FIELDS, Field
from xltrain.config.joint import joined, target_words, to_targets, wrong_losses
from xltrain.config.limits import impossible_limits
from xltrain.config.rows import job_rows, toml_text
from xltrain.config.settings import ALL, END, Column, Job, Run, Search, Shot, Source, misplaced_aliases
from xltrain.config.source import Raw, Row, Value, override, parse_toml, read_raw
from xltrain.config.space import CellSpace, draws, every_alternative
from xltrain.config.tokens import ParseError
from xltrain.config.value import parse_field
from xltrain.errors import ConfigError
from xltrain.excel.shot.condition import parse_where
from xltrain.language import canonical, label, listed, text
from xltrain.place import Place, Problem, parse_range
from xltrain.registry import Call, Term, metrics, unknown

Point = tuple[tuple[str, Any], ...]  # for each field of the Runs sheet its label and value

_TASK_OF_TYPE = {"category": "classification", "boolean": "classification"}


def read_job(path: Path | str, overrides: Sequence[str] = ()) -> Job:
    """The job in a workbook or TOML file, flags applied. Raises ConfigError with every problem found."""
    job, problems = check_raw(read_raw(Path(path), overrides))
    if job is None or problems:
        raise ConfigError(problems)
    return job


def read_books(path: Path | str) -> tuple[tuple[Source, ...], tuple[Column, ...]]:
    """What a job says of its books: Sources and Columns, whatever its other sheets hold.

    Raises:
        ConfigError: every problem in these two.
    """
    raw = read_raw(Path(path))
    checker = _Checker(raw)
    sources = tuple(checker.source(each) for each in raw.sheets["Sources"])
    columns = tuple(checker.columns())
    if checker.problems:
        raise ConfigError(sorted(dict.fromkeys(checker.problems), key=Problem.order))
    return sources, columns


def read_outputs(path: Path | str) -> dict[str, Any]:
    """The name of a job, its output and its workbook of decisions, whatever its other sheets hold."""
    raw = read_raw(Path(path))
    checker = _Checker(raw)
    return {header: str(checker.one("Job", raw.job, header, "")) for header in ("name", "output", "decisions")}


def read_data_job(path: Path | str) -> Job:
    """What a job says of its rows: sources, columns, decisions, output and language, whatever its runs are.

    Raises:
        ConfigError: every problem in these.
    """
    raw = read_raw(Path(path))
    checker = _Checker(raw)
    known = {each: checker.one("Job", raw.job, each, "") for each in ("name", "output", "decisions", "language")}
    sources = tuple(checker.source(each) for each in raw.sheets["Sources"])
    columns = tuple(checker.columns())
    if checker.problems:
        raise ConfigError(sorted(dict.fromkeys(checker.problems), key=Problem.order))
    return Job(**known, sources=sources, columns=columns, folder=raw.path.parent, place=raw.job.place)


def header_rows(said: str) -> tuple[int, ...] | None:
    """`5` -> (5,), `3-4` -> (3, 4), `none` -> (0,); None for anything else."""
    plain = said.strip().lower()
    if canonical(plain) == "none":
        return (0,)
    found = re.fullmatch(r"(\d{1,7})(?:\s*[-~到至]\s*(\d{1,7}))?", plain)
    if not found:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return tuple(range(first, last + 1)) if 1 <= first <= last <= first + 20 else None


def override_job(job: Job, overrides: Sequence[str]) -> Job:
    """A job that no file holds, with flags applied. Raises ConfigError with every problem found."""
    if not overrides:
        return job
    raw = parse_toml(job.folder / "job.toml", toml_text(job_rows(job)))
    for each in overrides:
        override(raw, each)
    changed, problems = check_raw(raw, need_sources=False)
    if changed is None:
        raise ConfigError(problems)
    runs = tuple(replace(run, place=None) for run in changed.runs)
    columns = tuple(replace(column, place=None) for column in changed.columns)
    sources = tuple(replace(source, place=None) for source in changed.sources)
    return replace(changed, runs=runs, columns=columns, sources=sources, place=None)


def check_raw(raw: Raw, need_sources: bool = True) -> tuple[Job | None, list[Problem]]:
    """The settings and no problem, or None and all of them."""
    checker = _Checker(raw)
    job = checker.job()
    checker.check_whole(job, need_sources)
    problems = sorted(dict.fromkeys(checker.problems), key=Problem.order)
    return (None if problems else job), problems


class _Checker:
    """Collects problems while the settings are built; a broken cell stands at its default meanwhile."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.problems = list(raw.problems)
        self.searches: list[Search] = []

    def wrong(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(Problem(place, message, hint))

    def variants(self, row: Row, field: Field, default: Any) -> list[tuple[str, Any]]:
        """Every alternative of a cell with its label; the default where it is blank or broken."""
        value = row.cells.get(field.header)
        if value is None:
            return [("", default)]
        try:
            found = parse_field(field, value)
        except ParseError as error:
            for message in error.messages:
                self.wrong(value.place, message)
            return [("", default)]
        return found

    def one(self, sheet: str, row: Row, header: str, default: Any) -> Any:
        """The single value of a cell."""
        return self.variants(row, FIELDS[sheet][header], default)[0][1]

    def job(self) -> Job:
        row = self.raw.job
        known = {header: self.one("Job", row, header, getattr(Job, header, None)) for header in FIELDS["Job"]}
        metric = known.pop("metric") or ""
        return Job(
            **known,
            metric=str(metric),
            sources=tuple(self.source(each) for each in self.raw.sheets["Sources"]),
            columns=tuple(self.columns()),
            runs=tuple(self.runs()),
            searches=tuple(self.searches),
            shots=tuple(self.shot(each) for each in self.raw.sheets["Shots"]),
            folder=self.raw.path.parent,
            place=row.place,
        )

    def required(self, sheet: str, row: Row, header: str) -> None:
        if header not in row.cells:
            self.wrong(row.place, text("cell_required", header=label(header)))

    def source(self, row: Row) -> Source:
        self.required("Sources", row, "path")
        path, sheet, header, area = (
            self.one("Sources", row, each, "") for each in ("path", "sheet", "header", "range")
        )
        rows = header_rows(header)
        if header and header != "0" and rows is None:
            self.wrong(row.cells["header"].place, text("header_form", found=header))
        return Source(path, sheet, rows, area, self.one("Sources", row, "skip_rows", 0), row.place)

    def columns(self) -> list[Column]:
        found: dict[str, Column] = {}
        for row in self.raw.sheets["Columns"]:
            self.required("Columns", row, "name")
            name, role, kind = (self.one("Columns", row, header, "") for header in ("name", "role", "type"))
            missing, aliases = (self.one("Columns", row, header, ()) for header in ("missing", "aliases"))
            if name and name in found:
                self.wrong(row.cells["name"].place, text("column_twice", name=name))
            column = Column(name, role, kind, self.one("Columns", row, "encoder", None), missing, aliases, row.place)
            rules = (("min", None), ("max", None), ("allowed", ()), ("unique", False))
            column = replace(column, **{each: self.one("Columns", row, each, default) for each, default in rules})
            for header, message in impossible_limits(column):
                self.wrong(row.cells[header].place, message)
            found.setdefault(name, column)
        cells = {row.cells["name"].text: row.cells for row in self.raw.sheets["Columns"] if "name" in row.cells}
        for name, alias, other in misplaced_aliases(list(found.values())):
            message, hint = text("alias_is_column", alias=alias, name=name), text("alias_is_column_hint", alias=other)
            self.wrong(cells[name]["aliases"].place, message, hint)
        return list(found.values())

    def shot(self, row: Row) -> Shot:
        book, area, file = (self.one("Shots", row, header, "") for header in ("book", "range", "file"))
        self.required("Shots", row, "range")
        self.required("Shots", row, "file")
        if file and not file.lower().endswith((".png", ".svg")):
            self.wrong(row.cells["file"].place, text("file_form", found=file))
        if area and ":" in area and "!" not in area.replace("！", "!") and parse_range(area) is None:
            self.wrong(row.cells["range"].place, text("range_form", found=area))
        where = self.one("Shots", row, "where", "")
        if where:
            try:
                parse_where(where)
            except ConfigError as error:
                self.problems += [Problem(row.cells["where"].place, each.message, each.hint) for each in error.problems]
        return Shot(book, area, file, row.place, where, self.one("Shots", row, "scale", 2.0))

    def runs(self) -> list[Run]:
        found: list[Run] = []
        for row in self.raw.sheets["Runs"]:
            named = "name" in row.cells
            found += self.run(row) if named else _free(self.run(row), {run.name for run in found})
        first: dict[str, Run] = {}
        for run in found:
            earlier = first.setdefault(run.name, run)
            if earlier is not run and run.place and run.place != earlier.place:
                self.wrong(run.place, text("run_twice", name=run.name, first=_row_of(earlier)))
        return found

    def run(self, row: Row) -> list[Run]:
        """A row of the Runs sheet: one run, or one for every point of its grids."""
        fields = [field for field in FIELDS["Runs"].values() if field.grid or field.header == "target"]
        search = self.one("Runs", row, "search", None)
        if search:
            return self.searched(row, fields, search)
        return _numbered(self.made(row, fields, self.grid(row, fields)))

    def made(self, row: Row, fields: Sequence[Field], points: Iterable[Point]) -> list[Run]:
        """A run for every point."""
        name, note = (self.one("Runs", row, header, "") for header in ("name", "note"))
        keep, warm = self.one("Runs", row, "keep", False), self.one("Runs", row, "warm_start", "")
        if warm and not (self.raw.path.parent / warm).is_file():
            self.wrong(row.cells["warm_start"].place, text("warm_missing", file=warm), text("warm_missing_hint"))
        runs = []
        for point in points:
            settings = {field.header: value for field, (_, value) in zip(fields, point, strict=True)}
            base = name or str(settings["model"])
            # Without a name the model stands in for one, so its own label says nothing new.
            labels = [
                each
                for field, (each, _) in zip(fields, point, strict=True)
                if each and (name or field.header != "model")
            ]
            full = " ".join([base, *labels]).strip()
            runs.append(Run(name=full, **joined(settings), warm_start=warm, note=note, keep=keep, place=row.place))
        return runs

    def grid(self, row: Row, fields: Sequence[Field]) -> list[Point]:
        """Every point of the row's grids."""
        options = [self.options(row, field) for field in fields]
        count = math.prod(len(each) for each in options)
        if count > MAX_GRID:
            self.wrong(row.place, text("grid_too_large", count=count, limit=MAX_GRID))
            return []
        return list(itertools.product(*options))

    def searched(self, row: Row, fields: Sequence[Field], search: Call) -> list[Run]:
        """The runs that a search draws from the row's ranges and alternatives, for each of its targets; of one that is
        guided those of its first wave.
        """
        options = self.search_space(row, fields)
        dimensions = [one for each in options if isinstance(each, CellSpace) for one in each.dimensions]
        if not dimensions:
            return []

        def runs_at(point: Sequence[float]) -> list[Run]:
            rest = iter(point)
            at = [
                [self.varied(each, list(itertools.islice(rest, len(each.dimensions))))]
                if isinstance(each, CellSpace)
                else each
                for each in options
            ]
            return self.made(row, fields, itertools.product(*at))

        lacking = [each for each in search.choice.facts.get("needs", ()) if importlib.util.find_spec(each) is None]
        if lacking:
            self.wrong(row.cells["search"].place, text("search_needs", search=search.name, names=" ".join(lacking)))
        first, *waves = search.apply()
        seed = f"{self.one('Job', self.raw.job, 'seed', 0)} {self.one('Runs', row, 'name', '')}"
        drawn = [(run, point) for point in draws(dimensions, first, seed) for run in runs_at(point)]
        runs = _numbered([run for run, _ in drawn])
        if waves:
            points = {run.name: point for run, (_, point) in zip(runs, drawn, strict=True)}
            ends = tuple(run for end in every_alternative(dimensions) for run in runs_at(end))
            ends = tuple(replace(run, name=f"{run.name}{END}") for run in ends)
            self.searches.append(Search(search, tuple(dimensions), points, tuple(waves), ends, runs_at))
        return runs

    def search_space(self, row: Row, fields: Sequence[Field]) -> "list[list[tuple[str, Any]] | CellSpace]":
        """Each cell of a row as what may vary in it."""
        options: list[list[tuple[str, Any]] | CellSpace] = []
        broken = False
        for field in fields:
            value = row.cells.get(field.header)
            try:
                fixed = value is None or field.header == "target"
                options.append(self.options(row, field) if fixed or value is None else CellSpace(field, value))
            except ParseError as error:
                for message in error.messages if value else ():
                    self.wrong(value.place if value else row.place, message)
                options.append([("", _default(field))])
                broken = True
        if not broken and not any(each.dimensions for each in options if isinstance(each, CellSpace)):
            self.wrong(row.cells["search"].place, text("search_nothing"))
        return options

    def varied(self, space: CellSpace, point: Sequence[float]) -> tuple[str, Any]:
        """A cell at one point of a search."""
        try:
            label, value = space.at(point)
        except ParseError as error:
            for message in error.messages:
                self.wrong(space.value.place, message)
            return "", _default(space.field)
        return (_titled(space.field, value) if space.dimensions and _is_plain(space.field) else label), value

    def options(self, row: Row, field: Field) -> list[tuple[str, Any]]:
        if field.header == "target":
            return self.targets(row)
        if field.header == "model":
            self.required("Runs", row, "model")
        options = self.variants(row, field, _default(field))
        if _is_plain(field) and len(options) > 1:
            return [(_titled(field, value), value) for _, value in options]
        return options

    def targets(self, row: Row) -> list[tuple[str, Any]]:
        """The targets that a run names, by any unambiguous beginning; empty for all."""
        cell = row.cells.get("target")
        names = self.target_names()
        if cell is None:
            return [("", "")]
        whole = match_name(cell.text, names)
        parts = [cell.text] if whole else [part.strip() for part in cell.text.replace("｜", "|").split("|")]
        found = [to_targets(part, names, match_name) for part in parts]
        for part, targets in zip(parts, found, strict=True):
            for word, name in zip(target_words(part) if "" in targets else (), targets, strict=False):
                if not name and names:
                    self.wrong(cell.place, unknown(label("target"), word, names))
            again = [name for name in dict.fromkeys(targets) if name and targets.count(name) > 1]
            if again:
                self.wrong(cell.place, text("target_twice", name=again[0]))
        labels = parts if len(parts) > 1 else [""]
        return [
            (shown and ", ".join(targets), targets[0] if len(targets) == 1 else targets or "")
            for shown, targets in zip(labels, found, strict=True)
        ]

    def target_names(self) -> list[str]:
        rows = self.raw.sheets["Columns"]
        return [row.cells["name"].text for row in rows if "name" in row.cells and self.is_target(row)]

    def is_target(self, row: Row) -> bool:
        try:
            return "role" in row.cells and parse_field(FIELDS["Columns"]["role"], row.cells["role"])[0][1] == "target"
        except ParseError:
            return False

    def check_whole(self, job: Job, need_sources: bool) -> None:
        """What no cell shows on its own."""
        for missing, sheet, key in (
            (need_sources and not job.sources, "Sources", "no_source"),
            (not job.targets, "Columns", "no_target"),
            (not job.runs and not self.raw.sheets["Runs"], "Runs", "no_run"),
        ):
            if missing:
                self.wrong(Place(self.raw.file, self.raw.sheet_name(sheet)), text(key), text(f"{key}_hint"))
        tasks = {column.name: known_task(job, column) for column in job.columns if column.role == "target"}
        if job.split:
            self.check_split(job, job.split)
        metric = self.raw.job.cells.get("metric")
        if job.metric and metric:
            self.check_metric(job, metric, set(tasks.values()))
        enough = self.raw.job.cells.get("good_enough")
        if enough:
            try:
                for each in parse_conditions(enough.text):
                    if each.backwards:
                        self.wrong(enough.place, text("good_enough_backwards", said=each.said, metric=each.metric))
            except ConfigError as error:
                for problem in error.problems:
                    self.wrong(enough.place, problem.message, problem.hint)
        rows = {row.place: row for row in self.raw.sheets["Runs"]}
        for run in job.runs:
            for header, message in run.conflicts():
                cells = rows[run.place].cells if run.place else {}
                near = cells.get(header) or cells.get("optimizer")
                self.wrong(near.place if near else run.place or Place(""), message)
            cell = rows[run.place].cells.get("loss") if run.place else None
            if cell and (message := wrong_losses(run)):
                self.wrong(cell.place, message)
            elif run.losses and cell:
                for loss, name in zip(run.losses, run.joint, strict=True):
                    self.check_loss(loss, cell.place, [tasks.get(name, "")])
            elif run.loss and cell:
                own = [tasks.get(run.target, "")] if run.target else list(tasks.values())
                self.check_loss(run.loss, cell.place, own)

    def check_split(self, job: Job, split: Call) -> None:
        """The column that a split goes by must exist, or some column must have its role."""
        place = self.raw.job.cells["split"].place if "split" in self.raw.job.cells else self.raw.job.place
        named = [value for value in dict(split.values).values() if isinstance(value, str)]
        if split.choice.facts.get("needs") not in ("group", "time", "split"):
            return
        role = str(split.choice.facts["needs"])
        if named and named[0]:
            return  # whether there is such a column the data say: a job need not list them all
        if not any(column.role == role for column in job.columns):
            self.wrong(place, text("split_needs_role", split=split.name, role=label(role)))

    def check_metric(self, job: Job, cell: Value, tasks: set[str]) -> None:
        task = str(metrics[job.metric.partition("(")[0]].facts.get("task", ""))
        if task and "" not in tasks and tasks and task not in tasks:
            shown = " + ".join(label(each) for each in sorted(tasks))
            self.wrong(cell.place, text("metric_task", metric=job.metric, found=label(task), task=shown))

    def check_loss(self, loss: tuple[Term, ...], place: Place, tasks: Sequence[str]) -> None:
        of_loss = {str(term.call.choice.facts.get("task", "")): term.call.name for term in loss}
        of_loss.pop("", None)
        if len(of_loss) > 1:
            self.wrong(place, text("loss_mixed", names=listed(of_loss.values())))
            return
        for task in dict.fromkeys(tasks):
            for found, name in of_loss.items():
                if task and task != found:
                    self.wrong(place, text("loss_task", loss=name, found=label(found), task=label(task)))


def known_task(job: Job, column: Column) -> str:
    """The task of a target as far as the job alone tells; empty where the values decide."""
    return job.task if job.task != "auto" else _TASK_OF_TYPE.get(column.type, "")


def match_name(name: str, names: Sequence[str]) -> str:
    """The one of `names` that `name` is, or is the only beginning of, whatever case and width; else empty."""
    if name in names:
        return name
    folded = {each: _fold(each) for each in names}
    same = [each for each in names if folded[each] == _fold(name)]
    if not same:
        same = [each for each in names if _fold(name) and folded[each].startswith(_fold(name))]
    return same[0] if len(same) == 1 else ""


def _fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _is_plain(field: Field) -> bool:
    return field.type in (int, float, "word")


def _titled(field: Field, value: Any) -> str:
    """What a plain value is called in the name of a run."""
    return f"{field.header}={'all' if field.header == 'batch_size' and value == ALL else value}"


def _row_of(run: Run) -> str:
    """Where a run stands, as one would find it."""
    return (run.place.address or str(run.place)) if run.place else run.name


def _free(runs: list[Run], taken: set[str]) -> list[Run]:
    """Runs that nobody named, with names that no run before them has."""
    found = []
    for run in runs:
        name, number = run.name, 1
        while name in taken:
            number += 1
            name = f"{run.name} #{number}"
        taken.add(name)
        found.append(replace(run, name=name))
    return found


def _numbered(runs: list[Run]) -> list[Run]:
    """Runs of one row with names of their own."""
    seen: dict[str, int] = {}
    named = []
    for run in runs:
        seen[run.name] = seen.get(run.name, 0) + 1
        again = seen[run.name]
        named.append(run if again == 1 else Run(**{**vars(run), "name": f"{run.name} #{again}"}))
    return named


def _default(field: Field) -> Any:
    """What a blank or broken cell of the Runs sheet means."""
    if field.header == "loss":
        return ()
    return parse_field(field, Value(field.default, Place("")))[0][1]
