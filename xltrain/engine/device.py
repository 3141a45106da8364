"""Where a fit runs, and with how many threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.place import Place, Problem

MOST_THREADS = 8
REDUCED = ("tf32", "bfloat16")  # arithmetic that only a GPU gains by
SMALL_STEP = 100_000_000  # multiplications in a forward pass below which threads cost more than they give


def resolve(device: str, place: Place | None = None) -> "torch.device":
    """`auto` is the first GPU, if torch can use one. ConfigError when `cuda` is asked for in vain."""
    usable = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise ConfigError(Problem(place, text("no_cuda"), text("no_cuda_hint")))
    return torch.device("cuda" if usable else "cpu")


def check_arithmetic(asked: str, device: "torch.device", place: Place | None = None) -> None:
    """ConfigError where a CPU is asked for the arithmetic of a GPU."""
    if device.type != "cuda" and asked in REDUCED:
        raise ConfigError(Problem(place, text("no_arithmetic", found=asked), text("no_arithmetic_hint")))


@contextmanager
def arithmetic(asked: str, device: "torch.device") -> Iterator[None]:
    """Matrix products on a GPU in tf32 or bfloat16 where that is asked for; everywhere else nothing changes."""
    if device.type != "cuda" or asked not in REDUCED:
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        # A cast that is kept would outlive the weights it was made of when a CUDA graph runs again.
        with torch.autocast(device.type, torch.bfloat16, asked == "bfloat16", cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def describe(device: "torch.device") -> str:
    """`cpu`, or `cuda` with the name of the GPU."""
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else "cpu"


@contextmanager
def threads(work: int) -> Iterator[None]:
    """As many threads as a step with `work` multiplications can use; what was set before returns afterwards.

    The number follows from the plan and the machine alone, so that the same job gives the same bits.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if work < SMALL_STEP else min(before, os.cpu_count() or 1, MOST_THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(before)
