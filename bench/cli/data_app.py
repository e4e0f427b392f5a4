"""The commands of `data`, which several modules add."""

import typer

from .frame import DATASETS, app
from .options import Commands

data_app = typer.Typer(
    cls=Commands, help="List, show, make or check datasets.", no_args_is_help=True
)
app.add_typer(data_app, name="data", rich_help_panel=DATASETS)
