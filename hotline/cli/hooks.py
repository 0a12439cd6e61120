"""`hotline hooks`: the addresses gateways are to be told, with the secrets in them."""

import click

from hotline.config import load
from hotline.deployment import Deployment


@click.command()
def hooks() -> None:
    """Print the webhook address of each gateway and kind. An address may hold a secret: show it to nobody else."""
    deployment = Deployment(load())
    shelf = deployment.shelf
    for gateway in filter(None, map(shelf.get, shelf.names)):
        for kind in sorted(gateway.kinds):
            click.echo(f"{gateway.name:15} {kind:8} {gateway.address(kind)}")
    deployment.close()
