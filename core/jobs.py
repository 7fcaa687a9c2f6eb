"""Background work. RQ only wakes it: what is due stands in PostgreSQL, and every job may run twice.

Jobs take ids, are named by their import path, and travel as JSON, never as pickles (a pickle is code).
"""
import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry
from rq.serializers import JSONSerializer

log = structlog.get_logger("jobs")
QUEUE = "livestall"
_queue = None


def init_jobs(redis_url: str) -> None:
    global _queue
    # 2 s: a page that enqueues must not hang on a dead Redis; the minute tick enqueues again what is due.
    connection = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5)
    _queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def queue() -> Queue:
    if _queue is None:
        raise RuntimeError("core.jobs.init_jobs was not called")
    return _queue


def enqueue(path: str, *args, job_id: str | None = None, timeout_seconds: int = 600) -> bool:
    """Ask a worker to call `path` ("members.jobs.send_mails") with JSON arguments. Call it after the commit.

    False if Redis is away: nothing is lost, because the tick that owns the work finds it due again.
    """
    try:
        queue().enqueue_call(path, args=args, job_id=job_id, timeout=timeout_seconds, result_ttl=3600,
                             failure_ttl=14 * 86400, retry=Retry(max=3, interval=[5, 30, 120]))
    except RedisError as error:
        log.warning("job not enqueued", job=path, error=str(error))
        return False
    return True
