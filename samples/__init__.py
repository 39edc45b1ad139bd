"""Runs real compiled pipelines on the embedded engine and says of each how it ended, and why."""
