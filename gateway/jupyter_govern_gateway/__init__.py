"""The gateway: the door between people and governed targets.

app         the process: wires the parts, starts and stops them
gate        decide → record → (wait for people) → Permit; the only maker of Permits
approvals   questions to humans, each bound to one Operation
policy      facts in, decisions out
sql         statements: what they are, and what may be sent of them
recorder    what happened, written before it happens
identity    proofs in, short-lived tokens out
codecs      bytes ↔ messages; adapters: messages ↔ Operations; net: the sockets
api         HTTP API and the gateway's own pages
tls         the listeners' certificate
commands    `jupyter govern gateway`, `check`, `explain`
"""
