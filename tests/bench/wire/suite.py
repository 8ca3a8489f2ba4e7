"""All of the wire benchmarks, in one run."""

from tests.bench.options import Options
from tests.bench.table import Table
from tests.bench.wire import plot, slow_reader, text_bytes
from tests.bench.wire.build import NoCompiler, programs
from tests.bench.wire.rounds import Result, rows
from tests.bench.wire.rounds import run as run_workload
from tests.bench.wire.tables import aims, table
from tests.bench.wire.workloads import WORKLOADS


def run(options: Options) -> list[Table]:
    try:
        programs()
    except NoCompiler as missing:
        return [Table("wire", ("not measured because",), [(str(missing),)])]
    chosen = rows(full=options.full)
    rounds = 5 if options.full else 1 if options.quick else 2
    seconds = 2.5 if options.full else 0.5 if options.quick else 1.2
    results: dict[str, Result] = {}
    for workload in WORKLOADS:
        results[workload.key] = run_workload(workload, chosen, rounds=rounds, seconds=seconds)
    slow, slow_ratio = slow_reader.run(3 if options.full else 1)
    plot.write(results)
    return [*map(table, results.values()), *text_bytes.run(), *slow, aims(results, slow_ratio)]
