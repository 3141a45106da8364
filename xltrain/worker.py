"""Work in processes of its own, so that a file which brings its reader down brings nothing else down.

A worker is a fresh interpreter that runs one function after the other, named `module:function`, with arguments and an
answer that are JSON. Whoever calls watches its time and memory; a worker that takes too much, or dies, is replaced, and
the call ends as one clear line. Workers are started when first needed and kept until the program ends.
"""

import atexit
import contextlib
import contextvars
import importlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import IO, Any

from xltrain import errors, language
from xltrain.errors import WorkbookError, XltrainError
from xltrain.language import text
from xltrain.place import Place, Problem

READERS = 8  # workers at most
SECONDS, SECONDS_PER_MB = 15.0, 3.0  # that a call may take, by the size of its file
MEMORY, MEMORY_PER_BYTE = 700 << 20, 40  # bytes that a worker may hold
LOOK = 0.05  # seconds between two looks at a worker's memory


class _Worker:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
        surroundings["PYTHONIOENCODING"] = "utf-8"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "xltrain.worker"],  # no file that lies beside the books is a module
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=surroundings,
        )
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):  # closed while it is read
            for line in self.process.stdout:
                self.lines.put(line)
        self.lines.put(b"")

    def ask(self, request: bytes, seconds: float, memory: int) -> bytes:
        """The answer; empty where the worker died or took too much time or memory."""
        assert self.process.stdin is not None
        end = time.monotonic() + seconds
        try:
            self.process.stdin.write(request)
            self.process.stdin.flush()
        except OSError:
            return b""
        while time.monotonic() < end:
            try:
                return self.lines.get(timeout=LOOK)
            except queue.Empty:
                if self._memory() > memory:
                    return b""
        return b""

    def _memory(self) -> int:
        import psutil

        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


_TOGETHER = "XLTRAIN_WORKERS_TOGETHER"  # in a worker's surroundings: how many work at once
_together: contextvars.ContextVar[int] = contextvars.ContextVar("together", default=1)
_idle: list[_Worker] = []
_all: list[_Worker] = []
_lock = threading.Lock()


@contextlib.contextmanager
def _borrowed() -> Iterator[_Worker]:
    """A worker that nobody else uses, new where all are busy; a dead one is not given back."""
    with _lock:
        found = _idle.pop() if _idle else None
    if found is None:
        found = _Worker()
        with _lock:
            _all.append(found)
    try:
        yield found
    except BaseException:
        found.close()
        raise
    with _lock:
        if found.process.poll() is None:
            _idle.append(found)


@atexit.register
def close() -> None:
    """End all workers."""
    with _lock:
        while _all:
            _all.pop().close()
        _idle.clear()


def cores() -> int:
    """How many cores a worker may use: its share where several work at once."""
    return max(1, (os.cpu_count() or 1) // int(os.environ.get(_TOGETHER, "1")))


def call(function: str, file: Path, /, **arguments: Any) -> Any:
    """Have a worker call `module:function` about a file, which also sets the limits.

    Raises:
        XltrainError: what the function raised; WorkbookError where it failed, died or took too much.
    """
    size = file.stat().st_size if file.is_file() else 0
    request = {"function": function, "arguments": arguments, "language": language.current(), "file": str(file)}
    request["together"] = str(_together.get())
    line = json.dumps(request).encode("ascii") + b"\n"
    with _borrowed() as worker:
        told = worker.ask(line, SECONDS + SECONDS_PER_MB * size / 1e6, MEMORY + MEMORY_PER_BYTE * size)
        if not told:
            worker.close()
    answer = json.loads(told) if told else {}
    if "answer" in answer:
        return answer["answer"]
    if "error" in answer:
        kind: type[XltrainError] = getattr(errors, answer["error"])
        raise kind([Problem(Place(*place) if place else None, *words) for place, *words in answer["problems"]])
    if "bug" in answer:
        raise RuntimeError(answer["bug"])
    raise WorkbookError(Problem(Place(str(file)), text("book_reader_stopped"), text("book_broken_hint")))


def call_all(function: str, calls: Sequence[tuple[Path, dict[str, Any]]]) -> Iterator[Future[Any]]:
    """The same for many files, several at once; the answers come in the order of the calls."""
    together = max(1, min(READERS, os.cpu_count() or 1, len(calls)))
    pool = ThreadPoolExecutor(together)
    context = contextvars.copy_context()  # the language in force
    context.run(_together.set, together)
    try:
        work = [
            pool.submit(context.copy().run, partial(call, function, file, **arguments)) for file, arguments in calls
        ]
        for each in work:
            each.exception()  # wait for it
            yield each
    finally:
        # Nobody waits here: what was left half-way may be ended by the collector, in a thread that holds any lock.
        pool.shutdown(wait=False, cancel_futures=True)


class _NoPandas(MetaPathFinder):
    """Keeps pyarrow from loading pandas wherever there is one: half of a worker's start, and no reader needs it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def main() -> None:
    """Read requests and write answers, one line each, until the pipe ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not reach the answers
    sys.meta_path.insert(0, _NoPandas())
    for line in sys.stdin.buffer:
        request = json.loads(line)
        language.use(request["language"])
        os.environ[_TOGETHER] = request["together"]
        _tell(answers, _answer(request))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    module, _, name = request["function"].partition(":")
    place = Place(request["file"])
    try:
        return {"answer": getattr(importlib.import_module(module), name)(**request["arguments"])}
    except XltrainError as error:
        problems = [(_parts(each.place), each.message, each.hint) for each in error.problems]
        return {"error": type(error).__name__, "problems": problems}
    except (NameError, AttributeError, ImportError, AssertionError) as error:  # a mistake of ours, not of the file
        return {"bug": f"{type(error).__name__}: {error}"}
    except MemoryError:
        problem = (_parts(place), text("book_reader_stopped"), text("book_broken_hint"))
    except BaseException as error:  # a reader's panic is no Exception
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        problem = (_parts(place), text("book_reader_failed", reason=reason), text("book_broken_hint"))
    return {"error": "WorkbookError", "problems": [problem]}


def _parts(place: Place | None) -> list[Any] | None:
    return [place.file, place.sheet, place.row, place.column] if place else None


def _tell(answers: IO[bytes], document: dict[str, Any]) -> None:
    answers.write(json.dumps(document).encode("ascii") + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
