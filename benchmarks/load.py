"""A load of ready-made requests over a few kept-alive connections, one request in flight on each: as fast as it goes, or by a clock.

It runs in this one thread and costs about 20 microseconds a request, which it takes from the same cores as the server.
"""

import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass

APART = 0.02  # seconds


@dataclass(frozen=True)
class Load:
    """What a load saw. Latencies in seconds."""

    rate: float
    p50: float
    p99: float
    refused: dict[str, int]
    count: int


def whole(answer: bytes) -> bool:
    """Whether an answer has all the bytes its header promised."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    _, _, rest = head.lower().partition(b"content-length:")
    return len(body) >= int(rest.split(b"\r\n", 1)[0] or 0)


def run(port: int, requests: list[bytes], *, seconds: float, count: int = 0, connections: int = 16) -> Load:
    """Send requests in turn until time or count is up. The list starts anew when it ends, unless a count is given."""
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        time.sleep(APART)  # as a gateway opens them, so that not all fall to the process that was awake
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ, [0.0, b""])
    clock = time.perf_counter
    latencies: list[float] = []
    sent = 0
    refused: Counter[str] = Counter()
    most = count or 10**9
    started = clock()
    until = started + seconds
    busy = 0
    for key in list(selector.get_map().values()):
        if sent < most:
            key.data[0] = clock()
            key.fileobj.sendall(requests[sent % len(requests)])
            sent += 1
            busy += 1
    while busy:
        for key, _ in selector.select(5):
            answer = key.data[1] + key.fileobj.recv(65536)
            if not whole(answer):
                key.data[1] = answer
                continue
            key.data[1] = b""
            now = clock()
            busy -= 1
            latencies.append(now - key.data[0])
            if answer[9:12] != b"200":
                refused[answer[9:12].decode()] += 1
            if sent < most and now < until:
                key.data[0] = now
                key.fileobj.sendall(requests[sent % len(requests)])
                sent += 1
                busy += 1
    took = clock() - started
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    latencies.sort()
    return Load(
        len(latencies) / took, latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)], refused, len(latencies)
    )


def paced(port: int, requests: list[tuple[float, bytes]], *, connections: int = 64) -> list[tuple[float, float, str]]:
    """Send each request when it is due, in seconds from now. Returns when it was due, how long its answer took, and its status.

    An answer's time counts from when its request was due: whoever waits for a free connection waits too.
    """
    selector = selectors.DefaultSelector()
    free, answers, at, clock = [], [], 0, time.perf_counter
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        free.append(sock)
    started = clock()
    while at < len(requests) or len(free) < connections:
        while free and at < len(requests) and requests[at][0] <= clock() - started:
            sock = free.pop()
            sock.sendall(requests[at][1])
            selector.register(sock, selectors.EVENT_READ, [requests[at][0], b""])
            at += 1
        wait = max(0.0, requests[at][0] - (clock() - started)) if at < len(requests) and free else 5
        if len(free) == connections:
            time.sleep(wait)
            continue
        for key, _ in selector.select(wait):
            key.data[1] += key.fileobj.recv(65536)
            if whole(key.data[1]):
                answers.append((key.data[0], clock() - started - key.data[0], key.data[1][9:12].decode()))
                selector.unregister(key.fileobj)
                free.append(key.fileobj)
    for sock in free:
        sock.close()
    return answers
