"""gunicorn -c deploy/gunicorn.conf.py 'tingshuo.gunicorn_worker:application()'

One worker. Each worker is a process with engines of its own: a second one on the same device doubles the memory of the
models, splits the same cores or the same GPU, halves what can be batched together, and cannot be scraped apart by
Prometheus. More devices or machines: one gunicorn each, behind a load balancer.
"""

import os

from tingshuo.serving import longest_end
from tingshuo.settings import load_settings

_settings = load_settings()

bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "tingshuo.gunicorn_worker.Worker"
logger_class = "tingshuo.gunicorn_worker.RootLogger"

# torch and its threads do not survive a fork: the application is made in the worker.
preload_app = False
# Seconds without a sign of the worker's event loop, which never waits for an engine.
timeout = 60
graceful_timeout = int(longest_end(_settings)) + 5
keepalive = 75
# The heartbeat file on a memory file system: a slow disk must not look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - gunicorn makes a private file
# X-Forwarded-For is judged by the application (TINGSHUO_TRUSTED_PROXIES), by nobody else.
forwarded_allow_ips = ""
control_socket_disable = True


def child_exit(server: object, worker: object) -> None:
    """Let the figures of a worker that ended stay counted, but its gauges go."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined, no-untyped-call]
