"""Processor time that the programs of a benchmark have spent so far, by program: it says more than a clock on a busy machine.

Counted are this process's descendants, those that ended too, and the database server's processes that serve the benchmark and
still run.
"""

import os
from collections import Counter, defaultdict
from pathlib import Path

PROGRAMS = {
    "hotline.app.web": "web",
    "workers intake": "intake",
    "workers life": "life",
    "workers reply": "reply",
    "workers.clock": "clock",
}
SERVER = "hotline_bench"  # a PostgreSQL process names the database it serves
TICKS = os.sysconf("SC_CLK_TCK")


def spent() -> Counter[str]:
    """Return seconds of processor time by program."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    seconds: dict[int, tuple[float, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        children[int(facts[1])].append(int(folder.name))
        own, waited_for = sum(map(int, facts[11:13])), sum(map(int, facts[13:15]))
        server = words.startswith("postgres") and SERVER in words
        name = next((name for mark, name in PROGRAMS.items() if mark in words), "database server" if server else "other")
        seconds[int(folder.name)] = ((own if server else own + waited_for) / TICKS, name)
    found: Counter[str] = Counter()
    ours = list(children[os.getpid()])
    for process in ours:
        ours += children[process]
    for process in {*ours, *(one for one, (_, name) in seconds.items() if name == "database server")}:
        found[seconds[process][1]] += seconds[process][0]
    return found
