"""A module for the supervisor to run: says what it is, and lives on; or breaks, where asked to."""

import json
import os
import signal
import sys
from pathlib import Path


def held() -> list[str]:
    """Return where the handles of this process lead."""
    found = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        try:
            found.append(str(entry.readlink()).partition(":")[0])
        except FileNotFoundError:  # the listing's own
            continue
    return sorted(found)


def hears(number: signal.Signals) -> str:
    return "default" if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler) else "other"


if __name__ == "__main__":
    if sys.argv[1:] == ["break"]:
        raise ValueError("on purpose")
    told = {
        "argv": sys.argv,
        "name": __name__,
        "leads": os.getsid(0) == os.getpid(),
        "hears": [hears(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "mark": [os.environ[name] for name in ("HOTLINE_OF_THE_TEST", "HOTLINE_INSTANCE")],  # noqa: TID251  what was handed on
        "comm": Path("/proc/self/comm").read_text().strip(),
        "said": sys.stdin.read(),
        "held": held(),
    }
    print(json.dumps(told))  # noqa: T201
    print("and to standard error", file=sys.stderr)  # noqa: T201
    signal.pause()
