"""Slow packages, imported at first use.

`from xltrain.lazy import torch` costs nothing; the first attribute taken from it imports the real module.
Type checkers see the real thing.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pandas
    import torch as torch
else:

    class _Lazy(ModuleType):
        def __getattr__(self, name: str) -> Any:
            module = importlib.import_module(self.__name__)
            value = getattr(module, name)
            setattr(self, name, value)
            return value

    torch = _Lazy("torch")
    pandas = _Lazy("pandas")
