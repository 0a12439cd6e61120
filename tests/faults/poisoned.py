"""An intake worker whose job dies at once, as if the machine had killed it, when it reads a certain word. For one test only."""

import os

from hotline.models import Reading
from workers import __main__ as workers
from workers import jobs, reading

DEADLY = "unreadable-invented-word"


def deadly(text: str) -> Reading:
    if DEADLY in text:
        os._exit(11)
    return reading.read(text)


if __name__ == "__main__":
    jobs.read = deadly
    workers.main(["intake"])
