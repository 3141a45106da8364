"""Every choice a cell may name. Importing this package declares them all, in `xltrain.registry`; torch stays unloaded.

Packages of others add theirs through the entry-point group `xltrain.choices`: each entry point names a module that
declares choices when imported.
"""

import importlib
from importlib.metadata import entry_points

for _module in ("losses", "metrics", "optimizers", "schedules", "models", "encoders", "splits"):
    importlib.import_module(f"{__name__}.{_module}")

for _entry in entry_points(group="xltrain.choices"):
    _entry.load()
