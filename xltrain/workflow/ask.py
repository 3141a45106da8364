"""What the flags of `xltrain merge` say, as rules; every flag that cannot be understood is named, all at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xltrain.config.check import header_rows, read_books, read_outputs
from xltrain.config.settings import TYPES, Column, Job, Source
from xltrain.data.decided import Decision
from xltrain.data.inputs import Rules
from xltrain.data.join import Join
from xltrain.data.unpivot import Unpivot
from xltrain.errors import ConfigError
from xltrain.language import listed, text
from xltrain.place import Place, Problem
from xltrain.registry import unknown
from xltrain.workflow.decide import RESULTS, job_decisions, last_results
from xltrain.workflow.sources import name_of

ORDERS = {"day-first": "dmy", "month-first": "mdy"}


@dataclass(frozen=True)
class MergeRequest:
    """Sources, rules and joins."""

    sources: tuple[Source, ...]
    rules: Rules
    joins: tuple[Join, ...] = ()
    decisions: tuple[Decision, ...] = ()
    doubts: tuple[Problem, ...] = ()


def merge_request(sources: Sequence[str], said: Mapping[str, Any]) -> MergeRequest:
    """Read the flags; ConfigError with every problem."""
    return _Reader(said).read(sources)


def with_aliases(columns: Sequence[Column], aliases: Sequence[str], also: Collection[str] = ()) -> tuple[Column, ...]:
    """Columns with further headers, each as `A=B,C`. ConfigError for one that says nothing, or is of no column; those
    of columns in `also`, which are known but not asked for, are passed over.
    """
    reader = _Reader({"aliases": aliases, "types": ()})
    found = reader.columns(columns)
    known = [column.name for column in columns]
    for column in found:
        if column.name not in known and column.name not in also:
            reader.wrong("alias", unknown(text("word_column"), column.name, known))
    if reader.problems:
        raise ConfigError(reader.problems)
    return tuple(column for column in found if column.name in known)


class _Reader:
    def __init__(self, said: Mapping[str, Any]) -> None:
        self.said = said
        self.problems: list[Problem] = []

    def wrong(self, flag: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(Place(f"--{flag}"), message, hint))

    def read(self, sources: Sequence[str]) -> MergeRequest:
        said = self.said
        listed, given = read_books(said["job"]) if said["job"] else ((), ())
        if not sources and not listed:
            self.problems.append(Problem(None, text("merge_nothing"), text("merge_nothing_hint")))
        header = header_rows(said["header"]) if said["header"] else None
        if said["header"] and header is None and said["header"] != "0":
            self.wrong("header", text("header_form", found=said["header"]))
        found = [Source(each) for each in sources]
        base = str(Path(said["job"] or "").absolute().parent)
        found += [replace(each, path=_below(base, each.path)) for each in listed]
        asked = tuple(
            replace(
                each,
                sheet=each.sheet or said["sheet"],
                header=each.header if each.header is not None else header,
                range=each.range or said["area"],
                skip_rows=each.skip_rows or said["skip_rows"],
            )
            for each in found
        )
        rules = Rules(
            columns=self.columns(given),
            expected=bool(given),
            missing=tuple(said["missing"]),
            dates=ORDERS.get(said["dates"] or "", ""),
            decimal={"point": ".", "comma": ","}.get(said["decimal"] or "", ""),
            drop_hidden=said["hidden"] == "drop",
            keep=frozenset(said["keep"]),
            which=said["columns"],
            source_column=said["source_column"],
            unpivot=self.unpivot(),
            drop_duplicates=said["drop_duplicates"],
            key=_words(said["key"]),
            password=said["password"],
            recalculate=said["recalculate"],
        )
        joins = self.joins()
        if self.problems:
            raise ConfigError(self.problems)
        decisions, doubts = self.decisions()
        return MergeRequest(asked, rules, joins, tuple(decisions), tuple(doubts))

    def decisions(self) -> tuple[list[Decision], list[Problem]]:
        """Those of the job, their files named as the merge names them."""
        if not self.said["job"]:
            return [], []
        folder = Path(self.said["job"]).absolute().parent
        job = Job(**read_outputs(self.said["job"]), folder=folder, place=Place(Path(self.said["job"]).name))
        found, doubts = job_decisions(job, last_results(job, folder / (job.output or RESULTS)))
        here = Path.cwd()
        return [replace(each, file=name_of(folder / each.file, here)) for each in found], doubts

    def columns(self, given: Sequence[Column]) -> tuple[Column, ...]:
        """Those of the job, with the aliases and types of flags."""
        found = {column.name: column for column in given}
        for each in self.said["aliases"]:
            name, equals, others = each.partition("=")
            if not equals or not name.strip() or not _words(others):
                self.wrong("alias", text("alias_form", found=each))
                continue
            column = found.get(name.strip(), Column(name.strip()))
            found[column.name] = replace(column, aliases=(*column.aliases, *_words(others)))
        for each in self.said["types"]:
            name, equals, kind = (part.strip() for part in each.rpartition("="))
            if not equals or not name:
                self.wrong("type", text("type_form", found=each, known=listed(TYPES)))
            elif kind not in TYPES:
                self.wrong("type", unknown(text("word_type"), kind, TYPES))
            else:
                found[name] = replace(found.get(name, Column(name)), type=kind)
        return tuple(found.values())

    def unpivot(self) -> Unpivot | None:
        said = self.said["unpivot"]
        if not said:
            if self.said["unpivot_value"]:
                self.wrong("unpivot-value", text("unpivot_needed"))
            return None
        name, _, columns = said.partition("=")
        return Unpivot(name.strip() or "period", _words(columns), self.said["unpivot_value"] or "value")

    def joins(self) -> tuple[Join, ...]:
        """One `--on` for each `--join`, in their order; `--how` for each, or one for all."""
        sources, ons, hows = self.said["joins"], self.said["on"], self.said["how"]
        if not sources:
            for flag in ("how", "many"):
                if self.said[flag]:
                    self.wrong(flag, text("join_needed"))
        if len(ons) != len(sources):
            self.wrong("on", text("join_on_each", joins=len(sources), ons=len(ons)), text("join_on_hint"))
            return ()
        if len(hows) > 1 and len(hows) != len(sources):
            self.wrong("how", text("join_how_each", joins=len(sources), hows=len(hows)))
        found = []
        for number, (source, on) in enumerate(zip(sources, ons, strict=True)):
            pairs = []
            for each in _words(on):
                here, equals, there = each.partition("=")
                pairs.append((here.strip(), there.strip() if equals else here.strip()))
            if not pairs or not all(here and there for here, there in pairs):
                self.wrong("on", text("join_on_form", found=on), text("join_on_hint"))
            how = hows[min(number, len(hows) - 1)] if hows else "left"
            found.append(Join(source, tuple(pairs), how, self.said["many"]))
        return tuple(found)


def _words(said: str) -> tuple[str, ...]:
    """Words separated by commas, full-width ones too."""
    return tuple(word.strip() for word in said.replace("，", ",").replace("、", ",").split(",") if word.strip())


def _below(folder: str, path: str) -> str:
    """A path of a job, seen from anywhere."""
    return path if "://" in path else str(Path(folder) / path)
