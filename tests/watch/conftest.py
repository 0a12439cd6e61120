"""Dead letters on a deployment with the demo's invented directory."""

from pathlib import Path

import pytest

from hotline.deployment import Deployment
from tests.line import Line, fill_directory
from tests.watch.letters import Letters


@pytest.fixture
def letters(deployment: Deployment) -> Letters:
    return Letters(deployment)


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    fill_directory(deployment, tmp_path)
    return Line(deployment)
