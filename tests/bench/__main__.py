"""Run every benchmark and print its table."""

from tests.bench import merge, training

for benchmark in (merge, training):
    benchmark.main()
    print()
