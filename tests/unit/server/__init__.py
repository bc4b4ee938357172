"""Tests of the Jupyter server extension."""
