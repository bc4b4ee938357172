"""PostgreSQL's wire as Steps, in reading order.

startup      who is there: the dialogue with a client up to its proof of identity
parameters   what a client may set at start-up
upstream     the dialogue with a target, under the session's connect permit
door         what a session may ask of the rest of the gateway
entries      what a session keeps of messages on their way
names        what a prepared statement's or portal's name stands for, while changes are on their way
naming       search_path and temporary relations, as far as they are known
planning     from a statement's bytes to its plan
exchange     what both directions share
outgoing     what goes on unchanged, and what goes instead
client_side  the client's messages in order, waits; asking, simple and extended hold the questions they ask
target_side  the target's messages in order; answers, errors and wire_check say what passes
refusals     what the wire says when the gateway refuses, and what of a target's errors may be seen
sampling     rows as delivered, for the record
"""
