"""`python -m tests.object_store.demo`: the demo in a bucket of an object store that runs as long as the demo does.

On a terminal the object store stays until Ctrl-C, so that the commands that the demo names can be tried in another one.
"""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import sleep

from tests.object_store import server


def main(arguments: list[str]) -> int:
    """Run the demo; return its exit code."""
    from collector.cli.main import run

    with tempfile.TemporaryDirectory(prefix="demo-s3-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        with server.running(root / "store") as store:
            environment = {**store.environment(), "COLLECTOR_WORK_DIR": str(root / "work")}
            os.environ.update(environment)
            code = run(["demo", "--lake", f"s3://{server.BUCKET}/demo", *arguments])
            if sys.stdin.isatty():
                words = " ".join(f"{name}={value}" for name, value in environment.items())
                sys.stdout.write(f"\nIn another terminal, first:\n  export {words}\nCtrl-C ends the object store.\n")
                with suppress(KeyboardInterrupt):
                    while True:
                        sleep(3600)
            else:
                sys.stdout.write("\nThe object store ends now, and the lake in it.\n")
            return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
