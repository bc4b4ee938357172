"""Tests of jupyter-govern."""
