"""What `make demo` runs: the sample job, then how many of the planted wrong values it found.

Results go to demo/ in the current folder and are numbered; delete the folder to start afresh.
"""

from pathlib import Path

from samples.score import WORST, found
from xltrain.cli.progress import progress
from xltrain.workflow.fit import fit

HERE = Path(__file__).resolve().parent


def main() -> None:
    with progress() as listen:
        done = fit(HERE / "job.xlsx", output=Path("demo") / "results.xlsx", listen=listen)
    target = done.result.targets[0]
    hits, total = found(done.results.with_suffix("") / "samples.parquet")
    print(f"\nbest run:  {target.winner}, typically off by {target.best.metrics['mae'].value:,.0f} in {target.target}")
    for name, scores in target.baselines.items():
        print(f"  {name:<8} is off by {scores['mae'].value:,.0f}")
    print(
        f"planted:   {hits} of {total} wrong rows ({hits / total:.0%}) are among the {WORST} worst out-of-fold losses"
    )
    print(f"results:   {done.results}")
    print(f"model:     {done.model}")
    print(f"pictures:  {done.results.with_suffix('') / 'pictures'}")


if __name__ == "__main__":
    main()
