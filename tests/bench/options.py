"""What all benchmarks are run with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`quick`: a fraction of the rounds, to see that it works; `full`: of the wire, all peers and more rounds."""

    quick: bool = False
    full: bool = False
