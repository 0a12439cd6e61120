"""`python -m tests.faults.lanes SETTINGS.json life reply clock`: workers of a deployment with two gateways, as processes.

A demo has one gateway only and a real deployment no browser phones; here the phones' network stands for a second vendor, so the
settings are taken from a file, past `load`. What runs is the worker's own polling, as it is without Redis, and the clock's round.
"""

import json
import multiprocessing
import sys
import time
from pathlib import Path

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.log import configure
from workers import clock, jobs

PAUSE = 0.1


def lane(site: Deployment, name: str) -> None:
    """Serve one lane, or be the clock, for ever."""
    jobs.deployment.cache_clear()
    jobs.load = lambda: site.settings  # type: ignore[assignment]
    while True:
        if name == "clock":
            clock.round_(site)
            time.sleep(site.settings.clock_seconds)
        else:
            jobs.deliver(name)
            time.sleep(PAUSE)


def main() -> None:
    """Start the one that is named, or one process for each."""
    configure()
    settings, *names = sys.argv[1:]
    chosen = Settings(**json.loads(Path(settings).read_text()), _env_file=None)
    if len(names) == 1:
        lane(Deployment(chosen), names[0])
    processes = [multiprocessing.Process(target=lane, args=(Deployment(chosen), name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
