"""The PostgreSQL protocol as pure functions over bytes, in reading order.

frames     message types, framing, the one error for bytes that are not the protocol
startup    the unframed first packet: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage
frontend   what a client sends: Query, Parse, Bind, Describe, Execute, Close
backend    what a server sends: RowDescription, DataRow, CommandComplete, ParameterStatus, ReadyForQuery
fields     the fields of ErrorResponse and NoticeResponse
encodings  which client_encoding we can read statements in
scram      SCRAM-SHA-256, both sides
md5        the md5 password answer (client side only: we never offer it)
"""
