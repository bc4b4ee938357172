"""jupyter-govern: the vocabulary shared by gateway, kernel, server and CLI.

model      who asks, what is asked, what was decided
errors     the errors that somebody catches
config     govern.toml as one strict schema (needs the [gateway] extra)
recording  the recording format: canonical entries, hash chain, verification
client     a small client of the gateway's HTTP API (standard library only)
cli        `jupyter govern`: dispatches to the parts by entry point
"""
