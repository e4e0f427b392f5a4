"""The application with all of its commands, for whoever wants to look at it whole."""

from . import add_commands
from .frame import app

__all__ = ["app"]

add_commands()
