"""Every choice a cell may name. Importing this package declares them all, in `xltrain.registry`; torch stays unloaded.

Packages of others add theirs through the entry-point group `xltrain.choices`: each entry point names a module that
declares choices when imported.
"""

import importlib

from xltrain.choices import plugins

for _module in (
    "losses",
    "objectives",
    "metrics",
    "optimizers",
    "schedules",
    "models",
    "encoders",
    "splits",
    "searches",
):
    importlib.import_module(f"{__name__}.{_module}")

plugins.load()
