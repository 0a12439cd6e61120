"""`hotline`: the command line. Every command opens the deployment the settings describe and is another door to the stages."""

import click

from hotline.cli import (
    apikey,
    broadcast,
    dead,
    desk,
    directory,
    doctor,
    geo,
    hooks,
    owed,
    prompts,
    radio,
    rules,
    run,
    simulate,
    triage,
    words,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hotline")
def main() -> None:
    """A hotline against human trafficking: a text becomes a report, the right officer is told, and answers."""


for command in (
    run.up,
    run.demo,
    run.migrate,
    doctor.doctor,
    hooks.hooks,
    prompts.prompts,
    simulate.sim,
    triage.triage,
    rules.rules,
    directory.directory,
    owed.owed,
    apikey.apikey,
    geo.geo,
    desk.queue,
    desk.user,
    desk.audit,
    desk.quarantine,
    dead.dead,
    broadcast.broadcast,
    radio.radio,
    words.words,
):
    main.add_command(command)
