"""`collector fake-buddy`: the fake Buddy as a server for development."""

import typer


def fake_buddy(context: typer.Context) -> int:
    """Serve a fake Buddy for development. `fake-buddy --help` lists its options, such as --port N."""
    from collector.fake_buddy.__main__ import main

    return main(context.args) or 0
