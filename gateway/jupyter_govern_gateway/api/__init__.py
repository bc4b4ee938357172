"""The HTTP side of the door: the JSON API below /api/v1 and the gateway's own pages. Never decides anything by itself.

services   what the API is given: identity, approvals, recordings, targets
server     ApiServer: listens, wires the routes, stops
door       bounds on connections
safety     every request and answer: host names, headers, errors
bounds     all numbers by name
problems   refusals as values
bodies     reading what clients send
rates      how often somebody may try
access     whose token it is, and what its kind may do
login      logins, tokens, me
devices    device logins that wait (RFC 8628); no HTTP
device     their two routes
views      approvals and sessions as the API shows them
approvals  lists and decisions
sessions   recordings: lists, contents, verification
timeline   a recording's entries as operations; no HTTP
targets    what may be reached, and where
events     the stream of what changes
pages/     login, device and decision pages for people
"""
