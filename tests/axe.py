"""What axe finds wrong with a page for somebody who cannot see it well, hear it, or use a mouse."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

THERE = "'axe' in window"
FOUND = """axe.run({resultTypes: ['violations']}).then(found => found.violations.map(
    rule => [rule.id, rule.nodes.map(node => `${node.target.join(' ')}: ${node.html.slice(0, 120)}`)]))"""


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return each rule that is broken, and where. The page is given axe once: half a megabyte takes a while to read."""
    if not page.evaluate(THERE):
        page.evaluate(Axe().axe_script)
    return [(str(rule), list(nodes)) for rule, nodes in page.evaluate(FOUND)]
