"""Run every benchmark and print its table."""

from tests.bench import merge, report, stack, training

for benchmark in (merge, training, stack, report):
    benchmark.main()
    print()
