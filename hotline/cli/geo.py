"""`hotline geo`: brings in the shapes of the district's sectors, which are somebody else's and therefore not shipped."""

from pathlib import Path

import click

from hotline.config import load
from hotline.figures import shapes
from hotline.places import sectors


@click.group()
def geo() -> None:
    """The map of the figures: tiles, or the true shapes of sectors."""


@geo.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Take the shapes of all sectors from a GeoJSON file. Its `attribution` is shown under the map."""
    chosen = load()
    try:
        made = shapes.bring_in(file, chosen.instance, sectors(chosen.templates, chosen.district))
    except shapes.NoShapes as why:
        raise click.ClickException(f"{why}.") from None
    click.echo(f"{len(made.paths or ())} sectors. {made.credit or 'The file names nobody to credit: ask whose it is.'}")


@geo.command()
def forget() -> None:
    """Go back to tiles."""
    (load().instance / shapes.FILE).unlink(missing_ok=True)
    click.echo("The map is drawn in tiles.")
