"""Keys: which partners' programs may write to us and ask us, for the administrator. A new key is shown once."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as Answer

from hotline import partners
from hotline.console import guard, listing
from hotline.models import Agency, Scope
from hotline.roles import May

screen = Blueprint("keys", __name__, url_prefix="/keys")


@screen.get("")
@guard.may(May.MANAGE_KEYS)
def show() -> str:
    """Show all keys."""
    return _page()


@screen.post("")
@guard.may(May.MANAGE_KEYS)
def give() -> str | tuple[str, int]:
    """Give a key and show it, this once."""
    form, scopes = request.form, set(request.form.getlist("scope")) & set(Scope)
    try:
        with guard.transaction() as session:
            wanted = {Scope(one) for one in scopes}
            by = f"officer:{guard.officer().name}"
            key = partners.give(session, form.get("name", ""), form.get("agency", ""), wanted, guard.moment(), by=by)
    except partners.NotGiven:
        return _page(wrong=True), 422
    return _page(key=key)


@screen.post("/<key_id>/revoke")
@guard.may(May.MANAGE_KEYS)
def revoke(key_id: str) -> Answer:
    """Take a key back."""
    with guard.transaction() as session:
        partners.revoke(session, key_id, guard.moment(), by=f"officer:{guard.officer().name}")
    flash("key_revoked")
    return redirect(url_for(".show"), 303)


def _page(*, key: str = "", wrong: bool = False) -> str:
    with guard.reading() as session:
        found = partners.listed(session)
        agencies = session.scalars(select(Agency).order_by(Agency.name)).all()
        rail = listing.rail(session, guard.officer())
    address = f"{guard.deployment().settings.console_url.rstrip('/')}/api"
    told = {"keys": found, "agencies": agencies, "scopes": list(Scope), "key": key, "wrong": wrong, "address": address}
    return render_template("console/keys.html", here="keys", typed=request.form, **told, **rail)
