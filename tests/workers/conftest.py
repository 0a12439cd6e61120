"""A phone line to a hotline with the demo's invented contacts."""

from pathlib import Path

import pytest

from hotline.deployment import Deployment
from tests.line import Line, fill_directory


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    fill_directory(deployment, tmp_path)
    return Line(deployment)
