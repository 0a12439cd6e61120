"""Commands of the desk: the queue, accounts, the audit record and the quarantine."""

import json

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit as chain
from hotline.config import load
from hotline.deployment import Deployment
from hotline.intake import quarantine as aside
from hotline.models import Agency, Case, CaseState
from hotline.officers import Unsuitable, enrol, named
from hotline.roles import Role


@click.command()
@click.option("--limit", default=30, show_default=True, help="How many cases to list.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def queue(limit: int, as_json: bool) -> None:  # noqa: FBT001  click passes options so
    """List open cases, most urgent first. No words and no numbers."""
    deployment = Deployment(load())
    with deployment.db.reading() as session:
        open_ones = select(Case).where(Case.state != CaseState.CLOSED).order_by(Case.rank, Case.opened_at.desc()).limit(limit)
        rows = [_line(deployment, case) for case in session.scalars(open_ones)]
    deployment.close()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("item", "needs help", "what it may be", "state", "language", "since", "taken"):
        table.add_column(column)
    for row in rows:
        table.add_row(*row.values())
    Console().print(table if rows else "Nothing is waiting.")


@click.group()
def user() -> None:
    """Accounts of officers."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="What they are here.")
@click.option("--display-name", default="", help="Name shown to colleagues.")
@click.option("--agency", default="", help="Name of the agency they belong to, as the directory has it.")
@click.option("--station", default="", help="Where they serve. Reports that name it are kept from them.")
@click.password_option(help="At least 15 characters.")
def add(name: str, role: str, display_name: str, agency: str, station: str, password: str) -> None:
    """Add an officer and print the code for their authenticator app, once."""
    deployment = Deployment(load())
    try:
        with deployment.db.transaction() as session:
            shown = display_name or name
            address = enrol(session, deployment, name=name, display_name=shown, role=Role(role), password=password)
            now = deployment.db.now(session)
            officer = named(session, name)
            if officer is not None:
                officer.agency_id, officer.station = _agency(session, agency), station or None
            chain.record(session, now, actor="command line", action="officer.added", subject=name, role=role)
    except Unsuitable as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Added. Put this into an authenticator app now; it is not shown again:\n{address}")


def _agency(session: Session, name: str) -> str | None:
    if not name:
        return None
    found = session.scalars(select(Agency.id).where(Agency.name == name)).first()
    if found is None:
        raise Unsuitable("The directory has no agency of that name.")
    return found


@click.group()
def audit() -> None:
    """The record of who saw and did what."""


@audit.command("verify")
def verify() -> None:
    """Walk the whole chain. Exit code 1 and the first bad row when it does not hold."""
    deployment = Deployment(load())
    with deployment.db.reading() as session:
        found = chain.verify(session, deployment.settings.instance / "audit.anchors")
    if found is not None:
        raise click.ClickException(f"The chain breaks at row {found.seq}: {found.why}.")
    click.echo("The chain holds.")


@click.group()
def quarantine() -> None:
    """Webhooks that failed their signature, kept in case the wrong token was ours."""


@quarantine.command("ls")
def ls() -> None:
    """Count what is held, by gateway and reason."""
    deployment = Deployment(load())
    with deployment.db.reading() as session:
        for line in aside.held(session):
            click.echo(f"{line.number:6}  {line.gateway} {line.kind}: {line.reason}")
    deployment.close()


@quarantine.command("verify")
def verify_again() -> None:
    """Check the signatures again, after mending a token, and take in what is genuine."""
    deployment = Deployment(load())
    taken = aside.verify_again(deployment)
    deployment.close()
    click.echo(f"{taken.genuine} genuine, taken in; {taken.forged} still fail and stay held.")


def _line(deployment: Deployment, case: Case) -> dict[str, str]:
    taken = case.acknowledged_by.name if case.acknowledged_by else case.owner.display_name if case.owner else "-"
    return {
        "item": case.handle,
        "needs_help": case.urgency,
        "category": f"possible {case.category.replace('_', ' ')}",
        "state": case.state,
        "language": case.language,
        "since": f"{deployment.local(case.opened_at):%d %b %H:%M}",
        "taken": taken,
    }
