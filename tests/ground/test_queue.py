"""The doorbell: one ring however often it is pressed, nothing about a person in Redis, and no error when Redis is away."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from hotline.queue import JOBS, Bell, QueueName, Ringer, connect, connect_worker


@pytest.fixture
def bell(redis_url: str) -> Iterator[Bell]:
    rung = Bell(connect(redis_url))
    rung.redis.flushall()
    yield rung
    rung.redis.flushall()
    rung.redis.close()


def jobs(bell: Bell, name: QueueName) -> Queue:
    return Queue(name, connection=bell.redis, serializer=JSONSerializer)


def test_a_hundred_rings_are_one_job(bell: Bell) -> None:
    for _ in range(100):
        bell.ring(QueueName.INTAKE)
    assert len(jobs(bell, QueueName.INTAKE)) == 1


def test_after_the_flag_is_lowered_the_next_ring_is_heard(bell: Bell) -> None:
    bell.ring(QueueName.INTAKE)
    bell.lower(QueueName.INTAKE)
    bell.ring(QueueName.INTAKE)
    assert len(jobs(bell, QueueName.INTAKE)) == 2


def test_while_a_drain_holds_the_flag_nobody_rings(bell: Bell) -> None:
    bell.hold(QueueName.LIFE)
    bell.ring(QueueName.LIFE)
    bell.ring(QueueName.REPLY)
    assert [len(jobs(bell, name)) for name in (QueueName.LIFE, QueueName.REPLY)] == [0, 1]


def test_a_flag_nobody_lowers_falls_by_itself(bell: Bell) -> None:
    bell.ring(QueueName.LIFE)
    bell.hold(QueueName.REPLY)
    left = [int(str(bell.redis.pttl(f"hotline:wake:{name}"))) for name in (QueueName.LIFE, QueueName.REPLY)]
    assert all(0 < milliseconds <= 2000 for milliseconds in left)


@pytest.mark.parametrize("name", QueueName)
def test_a_job_carries_the_name_of_its_queue_and_nothing_else(bell: Bell, name: QueueName) -> None:
    bell.ring(name)
    (job,) = jobs(bell, name).jobs
    assert (job.func_name, job.args, job.kwargs, job.meta) == (JOBS[name], [str(name)], {}, {})
    assert job.description == f"drain {name}"
    assert job.timeout == 60


def test_each_queue_has_a_job_that_exists() -> None:
    assert set(JOBS) == set(QueueName)
    for path in JOBS.values():
        module, _, function = path.rpartition(".")
        assert callable(getattr(__import__(module, fromlist=[function]), function))


def test_a_redis_that_is_not_there_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    away = Bell(connect(f"unix://{tmp_path}/no.sock"))
    with caplog.at_level(logging.WARNING):
        away.ring(QueueName.INTAKE)
        away.hold(QueueName.INTAKE)
        away.lower(QueueName.INTAKE)
    assert {record.getMessage() for record in caplog.records} == {"doorbell failed"}
    assert [record.__dict__["action"] for record in caplog.records] == ["ring", "hold", "lower"]
    assert {record.__dict__["queue"] for record in caplog.records} == {"intake"}


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[bytes]]]:
    """Something that listens where Redis should be and answers whatever the test says, or not at all."""
    answers: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if answers:
                connection.recv(4096)
                connection.sendall(answers[0])
            over.wait(3)
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", answers
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_redis_that_hangs_costs_a_second_and_no_error(stranger: tuple[str, list[bytes]]) -> None:
    away = Bell(connect(stranger[0]))
    started = time.monotonic()
    away.ring(QueueName.INTAKE)
    assert 0.5 < time.monotonic() - started < 5
    away.redis.close()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-NOAUTH Authentication required.\r\n" * 9, b"\x00\xff"]
)
def test_something_else_in_redis_place_is_no_error(stranger: tuple[str, list[bytes]], answer: bytes) -> None:
    url, answers = stranger
    answers.append(answer)
    away = Bell(connect(url))
    away.ring(QueueName.INTAKE)
    away.redis.close()


class BrokenRedis(Redis):
    """A client that trips over a connection another thread has closed, as redis-py 8 does."""

    def set(self, *_: object, **__: object) -> None:
        raise TypeError("argument must be an int, or have a fileno() method.")


def test_a_client_that_breaks_in_use_is_no_error_and_does_not_end_the_ringer(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Bell(BrokenRedis.from_url(redis_url))
    with caplog.at_level(logging.WARNING):
        broken.ring(QueueName.INTAKE)
        broken.hold(QueueName.INTAKE)
    assert [record.__dict__["error"] for record in caplog.records] == ["TypeError"] * 2


def test_a_redis_without_room_is_no_error(bell: Bell) -> None:
    bell.redis.config_set("maxmemory", "1")
    try:
        bell.ring(QueueName.INTAKE)
    finally:
        bell.redis.config_set("maxmemory", "0")
    bell.ring(QueueName.INTAKE)
    assert len(jobs(bell, QueueName.INTAKE)) == 1


class SlowBell(Bell):
    """A bell whose Redis takes as long as the test wants."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.go_on, self.pressed, self.rung = threading.Event(), threading.Semaphore(0), list[QueueName]()

    def ring(self, name: QueueName) -> None:
        self.pressed.release()
        self.go_on.wait(5)
        self.rung.append(name)


def test_whoever_rings_from_a_webhook_never_waits_for_redis(redis_url: str) -> None:
    slow = SlowBell(connect(redis_url))
    ringer = Ringer(slow, QueueName.INTAKE)
    started = time.monotonic()
    for _ in range(100):
        ringer.ring()
    assert time.monotonic() - started < 4, "one ring alone would take five seconds"
    assert slow.pressed.acquire(timeout=5)
    assert slow.rung == []
    slow.go_on.set()
    ringer.ring()
    assert slow.pressed.acquire(timeout=5), "what was rung for meanwhile is rung once more"
    slow.redis.close()


def test_a_workers_connection_waits_as_long_as_rq_asks(redis_url: str) -> None:
    patient, hurried = connect_worker(redis_url), connect(redis_url)
    assert patient.connection_pool.connection_kwargs.get("socket_timeout") is None
    assert hurried.connection_pool.connection_kwargs["socket_timeout"] == 1
    assert patient.ping()
    patient.close()
    hurried.close()
