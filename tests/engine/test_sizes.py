"""Tables and batches at the ends of what people have; slow."""

import subprocess
import sys

import numpy as np
import pytest

from tests.engine import make
from tests.engine.make import run

pytestmark = pytest.mark.slow
LIMIT = 3_000  # MB that a fit of a million rows may take


def finite(fitted: make.Fitted) -> None:
    for target in fitted.result.targets:
        assert np.isfinite(target.ledger.loss).all()
        for each in target.runs:
            assert np.isfinite([score.value for score in each.metrics.values()]).any()


@pytest.mark.parametrize("batch", [1, 15, 16, 0])
@pytest.mark.parametrize("model", ["mlp(16, norm=batch)", "mlp(16)", "tabm(8)"])
def test_batches_of_any_size(batch: int, model: str) -> None:
    finite(make.train(make.numbers(130), make.job(run(model=model, batch_size=batch, epochs=3)), "float32"))
    finite(make.train(make.classes(), make.job(run(model=model, loss="cross_entropy", batch_size=batch, epochs=3))))


MODELS = ["linear", "mlp(16)", "resnet(16)", "ft_transformer", "wide_deep(8)", "tabm(8)"]


@pytest.mark.parametrize("model", MODELS)
def test_one_feature(model: str) -> None:
    data = make.numbers(90)
    one = make.table({name: data.data.column(name).to_numpy(zero_copy_only=False) for name in ("a", "y")})
    finite(make.train(one, make.job(run(model=model, epochs=2))))


@pytest.mark.parametrize("model", MODELS)
def test_one_column_of_categories(model: str) -> None:
    data = make.numbers(90)
    one = make.table({"kind": data.data.column("kind").to_pylist(), "y": data.data.column("y").to_numpy()})
    finite(make.train(one, make.job(run(model=model, epochs=2))))


def test_a_category_that_is_the_same_everywhere_beside_a_number() -> None:
    data = make.numbers(90)
    one = make.table({"same": ["x"] * 90, "a": data.data.column("a").to_numpy(), "y": data.data.column("y").to_numpy()})
    finite(make.train(one, make.job(run(epochs=2))))


@pytest.mark.parametrize("model", ["mlp(32)", "tabm(8)", "linear"])
def test_three_hundred_columns(model: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 300))
    columns = {f"c{index}": x[:, index] for index in range(300)}
    finite(make.train(make.table({**columns, "y": x[:, 0] + rng.normal(size=300)}), make.job(run(model=model))))


def test_a_million_rows_of_thirty_columns_fit_into_memory() -> None:
    """In a process of its own, whose peak is its own."""
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) < LIMIT


def main(rows: int = 1_000_000, columns: int = 30) -> None:
    """Two epochs of the default model on five folds; prints the process's peak in MB."""
    import resource  # unknown to Windows

    rng = np.random.default_rng(0)
    data = {f"c{index}": rng.normal(size=rows) for index in range(columns)}
    data["y"] = data["c0"] + rng.normal(size=rows)
    table = make.table(data)
    data.clear()
    finite(make.train(table, make.job(run(model="mlp", epochs=2, batch_size=4096), folds=5), "float32"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
