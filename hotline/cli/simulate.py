"""`hotline sim`: send texts through the real, signed webhook and watch what becomes of them."""

import click

from hotline.config import load
from hotline.deployment import Deployment
from hotline.simulator.send import send_sms


@click.group()
def sim() -> None:
    """Be a phone: send texts through the signed webhook of a running hotline."""


@sim.command("sms")
@click.argument("text")
@click.option("--from", "sender", required=True, help="Number or name to send from; use an invented one.")
@click.option("--gateway", default="simulator", show_default=True, help="Whose webhook to use.")
def sms(text: str, sender: str, gateway: str) -> None:
    """Send one text and show what the webhook answered."""
    exchange = send_sms(Deployment(load(demo=True)), sender=sender, text=text, gateway=gateway)
    click.echo(f"{exchange.status or 'no answer'} {exchange.reason} in {exchange.seconds * 1000:.0f} ms")
    raise SystemExit(not exchange.taken)
