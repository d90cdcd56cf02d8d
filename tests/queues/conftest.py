"""The sites of these tests, see job_fixtures.py."""

from job_fixtures import broker, closing, make_site, site

__all__ = ["broker", "closing", "make_site", "site"]
