"""Tests of the kernel extension."""
