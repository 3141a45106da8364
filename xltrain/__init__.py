"""Machine learning that never leaves Excel.

    import xltrain

    merged = xltrain.merge("branches")                       # a table in which every row remembers its place
    done = xltrain.fit("job.xlsx")                           # or xltrain.fit(frame, target="price")
    new = xltrain.predict(done.model, "next month.xlsx")     # prediction and spread beside every row
    xltrain.shoot(done.results, "Summary!A1:L22").save("picture.png")

Each function is what the command of the same name calls, and takes and gives pandas DataFrames too.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["annotate", "apply", "audit", "compare", "export", "fit", "merge", "predict", "shoot"]

if TYPE_CHECKING:
    from xltrain.workflow.annotate import annotate
    from xltrain.workflow.apply import apply
    from xltrain.workflow.audit import audit
    from xltrain.workflow.compare import compare
    from xltrain.workflow.export import export
    from xltrain.workflow.fit import fit
    from xltrain.workflow.merge import merge
    from xltrain.workflow.predict import predict
    from xltrain.workflow.shoot import shoot


def __getattr__(name: str) -> Any:
    # The rooms behind these import slow packages, so they are imported when first named.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.workflow.{name}"), name)
