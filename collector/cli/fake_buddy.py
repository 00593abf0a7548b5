"""`collector fake-buddy`: the fake Buddy as a server for development."""

import typer

_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


def add_to(app: typer.Typer) -> None:
    """Add the command; its options and its `--help` are those of the fake's own argument parser."""
    app.command("fake-buddy", context_settings=_PASS_ON, add_help_option=False)(fake_buddy)


def fake_buddy(context: typer.Context) -> int:
    """Serve a fake Buddy for development. `fake-buddy --help` lists its options, such as --port N."""
    from collector.fake_buddy.__main__ import main

    return main(context.args) or 0
