"""`collector fake-buddy`: the fake, served for development. Everything it can be told is its own program's
affair.
"""

import typer

_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


def add_to(app: typer.Typer) -> None:
    """Add the command; `--help` is the fake's own."""
    app.command("fake-buddy", context_settings=_PASS_ON, add_help_option=False)(fake_buddy)


def fake_buddy(context: typer.Context) -> int:
    """Serve a fake Buddy on this machine, for development. (--port N; --help shows the world it can be)"""
    from collector.fake_buddy.__main__ import main

    return main(context.args) or 0
