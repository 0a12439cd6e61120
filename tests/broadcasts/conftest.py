"""A phone line on a Tuesday morning in Kigali, with a list of people who agreed. All numbers are invented."""

from pathlib import Path

import pytest

from hotline.deployment import Deployment
from tests.broadcasts.casting import TUESDAY_MORNING, Casts
from tests.line import Line, fill_directory


@pytest.fixture
def casts(deployment: Deployment, tmp_path: Path) -> Casts:
    fill_directory(deployment, tmp_path)
    return Casts(Line(deployment, now=TUESDAY_MORNING))
