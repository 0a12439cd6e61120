"""`python -m workers life`: one RQ worker for each queue named, each in its own process.

One queue a worker: on several queues RQ pops without leaving a trace, and a crash between pop and start loses the job. Small
intervals let a worker that replaces a killed one take over within seconds; RQ's defaults take minutes. While Redis is away
the worker looks into the database by itself.
"""

import gc
import logging
import multiprocessing
import signal
import sys
import time

from redis.client import Pipeline
from redis.exceptions import ConnectionError as ConnectionError_
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TimeoutError_
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from hotline import triage
from hotline.config import Settings, load
from hotline.intake import commands
from hotline.log import configure
from hotline.places import sectors_by_place
from hotline.queue import JOBS, QueueName, connect, connect_worker
from hotline.radio.wall import words_of
from hotline.routing.named import gazetteer, vocabulary
from workers import jobs

log = logging.getLogger("workers")

MONITORING_SECONDS = 5
POLL_SECONDS = 2.0
WORK = {
    QueueName.INTAKE: jobs.drain_inbox,
    QueueName.TAPES: jobs.fetch_tapes,
    **dict.fromkeys((QueueName.LIFE, QueueName.REPLY, QueueName.BULK), jobs.deliver),
}


class Away(RedisError):
    """Redis does not answer. Not one of the errors that RQ waits out by itself."""


class LaneWorker(Worker):
    """An RQ worker whose death is noticed in seconds, and that knows whether it was asked to end."""

    asked_to_end = False

    @property
    def connection_timeout(self) -> int:
        """How long Redis may take to answer, waiting for a job included. RQ's ten seconds are spent three times when it hangs."""
        return self.dequeue_timeout + 2

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that we live. A Redis that does not hear it is reported at once: RQ would wait for it up to a minute at a time."""
        try:
            super().heartbeat(timeout, pipeline)
        except (ConnectionError_, TimeoutError_) as error:
            raise Away from error

    def handle_warm_shutdown_request(self) -> None:
        """Note that the end is wanted: RQ also ends by itself, and without an error, when Redis is full or gone."""
        self.asked_to_end = True

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return for how many seconds a silent job counts as alive."""
        del job, working_time
        return MONITORING_SECONDS * 3


def work(name: QueueName) -> None:
    """Serve one queue for ever."""
    configure()
    jobs.deployment().preload()
    if name is QueueName.INTAKE:
        _preload(jobs.deployment().settings)
    gc.freeze()  # what was loaded so far is shared by every job's process and need not be looked through again
    while True:
        try:
            if _serve(name):
                return
            log.warning("redis away", extra={"queue": str(name), "error": "worker gave up"})
        except (RedisError, OSError) as error:
            log.warning("redis away", extra={"queue": str(name), "error": type(error).__name__})
        _poll(name)


def _preload(settings: Settings) -> None:
    """Read every file of words that intake asks for: a job would read them itself, each anew, with a transaction open."""
    triage.preload()
    commands.preload()
    words_of(settings.templates)
    vocabulary()
    gazetteer()
    sectors_by_place(settings.templates, settings.district)


def _serve(name: QueueName) -> bool:
    """Serve a queue until asked to end, which gives True, or until RQ gives up on a Redis that refuses or is gone."""
    asked = connect(load().redis)
    asked.ping()
    asked.close()
    redis = connect_worker(load().redis)
    worker = LaneWorker(
        [Queue(name, connection=redis, serializer=JSONSerializer)],
        connection=redis,
        serializer=JSONSerializer,
        worker_ttl=17,
        maintenance_interval=2,
        job_monitoring_interval=MONITORING_SECONDS,
        log_job_description=False,
    )
    log.info("ready", extra={"queue": str(name)})
    try:
        worker.work(logging_level="WARNING")
    finally:
        for number, usual in ((signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
            signal.signal(number, usual)  # RQ's own would ask Redis first
    return worker.asked_to_end


def _poll(name: QueueName) -> None:
    """Do the work by hand until Redis is back, in a process of its own, as RQ would."""
    drain = multiprocessing.Process(target=_by_hand, args=(name,))
    drain.start()
    drain.join()
    time.sleep(POLL_SECONDS)


def _by_hand(name: QueueName) -> None:
    """Run one drain; what breaks it is logged by class and place, as RQ's own log would not."""
    try:
        WORK[name](str(name))
    except Exception:
        log.exception("drain failed", extra={"queue": str(name)})


def main(names: list[str]) -> None:
    """Start a process for each queue named, or serve the one."""
    queues = [QueueName(name) for name in names] or list(JOBS)
    if len(queues) == 1:
        work(queues[0])
        return
    processes = [multiprocessing.Process(target=work, args=(queue,)) for queue in queues]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main(sys.argv[1:])
