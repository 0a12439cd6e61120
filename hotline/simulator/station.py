"""A station over HTTP: phones that text a running demo, and the presenter's and the producer's browsers on its console."""

import re
import time
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import urllib3
from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.models import UNREAD, Inbox, Officer, table, written_out
from hotline.simulator.send import Carrier

INBOX, OFFICER = table(Inbox), table(Officer)
UNREAD_YET = select(INBOX.c.id).where(written_out(INBOX.c.state, UNREAD)).limit(1)
LOOK_EVERY = 0.1
LONGEST = 120.0


class Unstaffed(Exception):
    """The demo has no invented presenter or producer."""


class Browser:
    """One signed-in browser, as far as a page without scripts needs one."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=3, read=20))
        self._cookies: dict[str, str] = {}
        self._token = ""

    def get(self, path: str) -> bytes:
        """Return a page, following where it leads."""
        return self._ask("GET", path, None)

    def post(self, path: str, **fields: str) -> bytes:
        """Send a form."""
        return self._ask("POST", path, {"csrf_token": self._token, **fields})

    def _ask(self, method: str, path: str, fields: dict[str, str] | None) -> bytes:
        headers = {"Origin": self._base, "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if fields is None else urlencode(fields)
        reply = self._http.request(method, self._base + path, body=body, headers=headers, redirect=False)
        for line in reply.headers.getlist("Set-Cookie"):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        if found := re.search(rb'name="csrf_token" value="([^"]+)"', reply.data):
            self._token = found.group(1).decode()
        if reply.status in (302, 303):
            return bytes(reply.data) + self.get(reply.headers["Location"])
        return bytes(reply.data)


class Station:
    """The station of a running demo. Raises Unstaffed."""

    def __init__(self, site: Deployment, carrier: Carrier) -> None:
        self._site, self._carrier = site, carrier
        self._browsers = {role: self._signed_in(role) for role in ("presenter", "producer")}

    def text(self, sender: str, body: str, to: str, name: str) -> bool:
        """Send a text by the network's signed webhook."""
        return self._carrier.text(sender, body, to=to, external_id=name).taken

    def look(self, who: str, path: str) -> bytes:
        """Return a page of theirs."""
        return self._browsers[who].get(path)

    def press(self, who: str, path: str, **fields: str) -> bytes:
        """Press a button of theirs."""
        return self._browsers[who].post(path, **fields)

    def settle(self) -> None:
        """Wait until nothing waits to be read."""
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            with self._site.db.reading() as session:
                if session.execute(UNREAD_YET).first() is None:
                    return
            time.sleep(LOOK_EVERY)

    def _signed_in(self, role: str) -> Browser:
        invented = select(OFFICER.c.id).where(OFFICER.c.role == role, OFFICER.c.demo, OFFICER.c.active)
        with self._site.db.reading() as session:
            officer_id = session.scalar(invented.limit(1))
        if officer_id is None:
            raise Unstaffed(role)
        browser = Browser(self._site.settings.console_url)
        browser.get("/sign-in")
        browser.post(f"/demo/{officer_id}")
        return browser
