"""How screens of the studio reach the database: through one of two windows, and by no other way."""

from contextlib import AbstractContextManager
from typing import Final, cast

from flask import Flask, current_app
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.radio.eyes import Eyes, Window

NAME: Final = "studio.windows"


def install(app: Flask, deployment: Deployment) -> None:
    """Open the windows of an application, each at its first look."""
    app.extensions[NAME] = {}
    app.extensions[f"{NAME}.of"] = deployment.settings.database


def reading(eyes: Eyes) -> AbstractContextManager[Session]:
    """Open a session that reads."""
    return _window(eyes).reading()


def transaction(eyes: Eyes) -> AbstractContextManager[Session]:
    """Open a session that changes, committed on leaving."""
    return _window(eyes).transaction()


def close(app: Flask) -> None:
    """Close what was opened."""
    for window in app.extensions[NAME].values():
        window.close()
    app.extensions[NAME].clear()


def _window(eyes: Eyes) -> Window:
    opened = cast("dict[Eyes, Window]", current_app.extensions[NAME])
    if eyes not in opened:
        opened[eyes] = Window(current_app.extensions[f"{NAME}.of"], eyes)
    return opened[eyes]
