"""The HTTP side against the gateway's real identity, approvals, gate and recorder; only the SQL target is missing."""
