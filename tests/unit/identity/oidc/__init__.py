"""Tests of identity/oidc."""
