"""`python -m workers life`: one RQ worker for each queue named, each in its own process.

One queue a worker: on several queues RQ pops without leaving a trace, and a crash between pop and start loses the job. Small
intervals let a worker that replaces a killed one take over within seconds; RQ's defaults take minutes. While Redis is away
the worker looks into the database by itself.
"""

import gc
import logging
import multiprocessing
import sys
import time

from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from hotline import triage
from hotline.config import load
from hotline.log import configure
from hotline.queue import JOBS, QueueName, connect_worker
from workers import jobs

log = logging.getLogger("workers")

MONITORING_SECONDS = 5
POLL_SECONDS = 2.0
WORK = {QueueName.INTAKE: jobs.drain_inbox} | dict.fromkeys((QueueName.LIFE, QueueName.REPLY, QueueName.BULK), jobs.deliver)


class LaneWorker(Worker):
    """An RQ worker whose death is noticed in seconds."""

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return for how many seconds a silent job counts as alive."""
        del job, working_time
        return MONITORING_SECONDS * 3


def work(name: QueueName) -> None:
    """Serve one queue for ever."""
    configure()
    jobs.deployment().preload()
    if name is QueueName.INTAKE:
        triage.preload()
    gc.freeze()  # what was loaded so far is shared by every job's process and need not be looked through again
    while True:
        try:
            return _serve(name)
        except (RedisError, OSError) as error:
            log.warning("redis away", extra={"queue": str(name), "error": type(error).__name__})
            _poll(name)


def _serve(name: QueueName) -> None:
    redis = connect_worker(load().redis)
    redis.ping()
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
    worker.work(logging_level="WARNING")


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
