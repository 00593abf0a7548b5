"""`python -m tests.bench.clients.ask ARGUMENTS…`: one command of the collector, and the memory that it took."""

import sys

from collector.cli.main import run
from tests.bench.clients.output import print_result

if code := run(sys.argv[1:]):
    sys.exit(code)
print_result()
