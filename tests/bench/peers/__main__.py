"""`python -m tests.bench.peers [NAME …]`: checks the peers of the wire benchmarks."""

import sys

from tests.bench.peers.check import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
