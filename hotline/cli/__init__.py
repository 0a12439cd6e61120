"""`hotline`: the command line. Every command opens the deployment the settings describe and is another door to the stages."""

from importlib import import_module

import click

MODULES = {
    "up": "run",
    "demo": "run",
    "migrate": "run",
    "doctor": "doctor",
    "hooks": "hooks",
    "prompts": "prompts",
    "sim": "simulate",
    "triage": "triage",
    "rules": "rules",
    "directory": "directory",
    "owed": "owed",
    "keys": "apikey",
    "geo": "geo",
    "queue": "desk",
    "user": "desk",
    "audit": "desk",
    "quarantine": "desk",
    "dead": "dead",
    "broadcast": "broadcast",
    "radio": "radio",
    "words": "words",
    "erase": "erase",
}


class Commands(click.Group):
    """Loads the module of a command when it is asked for: none waits for what only others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, None where there is none."""
        del ctx
        if cmd_name not in MODULES:
            return None
        module = import_module(f"hotline.cli.{MODULES[cmd_name]}")
        found = [one for one in vars(module).values() if isinstance(one, click.Command) and one.name == cmd_name]
        return found[0]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hotline")
def main() -> None:
    """A hotline against human trafficking: a text becomes a report, the right officer is told, and answers."""
