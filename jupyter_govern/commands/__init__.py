"""The commands that talk to a gateway's API. Each has add_arguments, run, and a docstring whose first line is its help.

login      log in and keep the token
logout     revoke it and forget it
connect    run psql or another client on a target
approvals  list, show, approve, deny
sessions   list, show, verify
_place     where the gateway is and which token is kept here
_print     tables and statements for a terminal
"""
