"""Fixtures shared by all tests: one sandbox of the test run's own."""
