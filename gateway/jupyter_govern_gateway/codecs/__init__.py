"""Codecs: bytes to messages and back, one package per wire. No I/O, no clock, no policy.

postgresql  the PostgreSQL frontend/backend protocol, versions 3.0 and 3.2
"""
