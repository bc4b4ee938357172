"""The only I/O on wires: sockets, TLS, tasks, timers.

bounds      every bound by name
services    what the listener is given by the rest of the gateway
tasks       tasks with an owner, so that none is lost when it fails
peer        one socket: read piece by piece in a dialogue, then flowing
lost        how a dialogue ends before its time
dialogue    runs the start-up dialogues of an adapter
targets     how targets are reached; TLS to them
door        one actor's way to one target: policy, plans, gate
cancel      which key stops which session; CancelRequests to targets
session     one session: runs the adapter's steps between two peers
arrival     from an accepted connection to a session
listening   listening sockets, new or left by the process before us
postgresql  the listener
"""
