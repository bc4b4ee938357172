"""SSH through the gate. The only package that knows AsyncSSH; needs the extra `ssh`.

bounds     what a client can make us hold, and for how long
house      what all connections share
targets    where targets are, how they are trusted, connecting
names      the user name: whose, and which target
words      what a client reads on stderr
judging    what a request is, as facts for policy
record     the account of one operation: output with its time, masked where policy says so; ends
visit      one client's stay: its record, its target, its questions to the gate
digest     the SHA-256 of a file in pieces
relay      an exec or a shell: two channels and what passes between them
channel    a session channel of a client: what it turns out to be
files      SFTP and legacy scp: every action on every path is a question
forward    TCP forwards, each destination a question
authority  user certificates, each a form of a token
server     who is there: AsyncSSH's hooks of one connection
listener   the socket, the host key, the stop in good order
"""
