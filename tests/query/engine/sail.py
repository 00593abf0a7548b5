"""`python -m tests.query.engine.sail`: a Spark Connect server on a free port of loopback, until its input ends."""

import os
import sys
from tempfile import TemporaryDirectory

from pysail.spark import SparkConnectServer


def main() -> None:
    """Serve, say where, and end at once when the test lets go: a clean stop may wait for ever."""
    with TemporaryDirectory(prefix="sail-") as folder:
        os.environ["SAIL_EXECUTION__CHECKPOINT__PATH"] = f"file://{folder}"
        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        _, port = server.listening_address
        print(port, flush=True)
        sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
