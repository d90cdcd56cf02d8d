"""GET /metrics: the figures of this process as Prometheus reads them, for keys with that scope or known addresses."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

import tingshuo
from tingshuo import db, metrics, readiness
from tingshuo.api.access import MetricsRoute
from tingshuo.api.services import Services, ServicesOf
from tingshuo.db import Job
from tingshuo.errors import StorageFailed
from tingshuo.queues.rows import JOB_QUEUES

router = APIRouter(route_class=MetricsRoute, tags=["metrics"])


@router.get("/metrics", response_class=Response)
async def get_metrics(services: ServicesOf) -> Response:
    """All figures, in Prometheus' text format."""
    return Response(await services.look(_exposition, services), media_type=CONTENT_TYPE_LATEST)


def _exposition(services: Services) -> bytes:
    now = CollectorRegistry()
    now.register(_State(services))
    return metrics.exposition() + generate_latest(now)


class _State(Collector):
    """What is not counted but looked up when it is asked for."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("tingshuo_build_info", "1, with the version.", labels=["version"])
        build.add_metric([tingshuo.__version__], 1)
        yield build
        yield from self._engines()
        free = readiness.disk(self.services.settings).free
        yield GaugeMetricFamily("tingshuo_disk_free_bytes", "Free disk below the data folder.", value=free)
        yield from self._database()

    def _engines(self) -> Iterable[Metric]:
        text = "1 where the engine's model is in memory, else 0."
        loaded = GaugeMetricFamily("tingshuo_model_loaded", text, labels=["engine", "origin"])
        memory = GaugeMetricFamily(
            "tingshuo_engine_memory_bytes", "Memory of an engine in a process of its own.", labels=["engine"]
        )
        for row in self.services.engines.status():
            loaded.add_metric([row.name, row.model.origin if row.model else "none"], float(row.loaded))
            if row.memory_bytes is not None:
                memory.add_metric([row.name], row.memory_bytes)
        return (loaded, memory)

    def _queues(self, jobs: dict[str, int]) -> Metric:
        family = GaugeMetricFamily("tingshuo_queue_depth", "Calls and jobs that wait.", labels=["queue"])
        for row in self.services.engines.status():
            family.add_metric([f"engine:{row.name}"], row.waiting)
        for queue in JOB_QUEUES:
            family.add_metric([queue], jobs.get(queue, 0))
        return family

    def _database(self) -> Iterable[Metric]:
        text = "Whether the database answers."
        try:
            jobs = _waiting(self.services)
        except StorageFailed:
            yield GaugeMetricFamily("tingshuo_database_up", text, value=0)
            yield self._queues({})
        else:
            yield GaugeMetricFamily("tingshuo_database_up", text, value=1)
            yield self._queues(jobs)


def _waiting(services: Services) -> dict[str, int]:
    """How many jobs wait in each queue of the job plane."""
    query = select(Job.queue, func.count()).where(Job.status == "queued").group_by(Job.queue)
    with db.session(services.settings) as session:
        return {queue: count for queue, count in session.execute(query) if queue}
