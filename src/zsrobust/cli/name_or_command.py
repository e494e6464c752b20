"""A group of commands whose first word may also be a name: `models NAME` is `models show NAME`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

SHOW = "show"


class NameOrCommand(TyperGroup):
    """Reads a first word that is none of the group's commands as the argument of `show`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command meant and its arguments."""
        if args and args[0] not in self.commands:
            args = [SHOW, *args]
        return super().resolve_command(ctx, args)
