"""`tierbus contracts`: what data must look like, and how that may change."""

import typer

from ops.cli.contracts import changing, looking, proposing

app = typer.Typer(help="List, compare, register and propose Avro contracts.", no_args_is_help=True)
app.command("list")(looking.list_)
app.command()(looking.show)
app.command()(changing.check)
app.command()(looking.diff)
app.command()(changing.push)
app.command()(changing.pull)
app.command()(proposing.infer)
app.command()(proposing.model)

__all__ = ["app"]
