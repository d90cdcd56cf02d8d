"""Queued jobs: their rows, and the two ways in which they reach workers."""
