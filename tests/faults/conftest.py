"""The sites of tests/queues."""

from job_fixtures import broker, closing, make_site

__all__ = ["broker", "closing", "make_site"]
