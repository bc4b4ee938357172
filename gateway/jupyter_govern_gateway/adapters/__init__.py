"""Adapters: a wire's messages to Operations and Steps, one package per wire. No I/O, no clock.

steps       what an adapter asks its driver to do; nothing for the target without a Permit
postgresql  start-up dialogues and the session machine
"""
