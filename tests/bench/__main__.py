"""Run every benchmark and print its table."""

from tests.bench import merge, stack, training

for benchmark in (merge, training, stack):
    benchmark.main()
    print()
