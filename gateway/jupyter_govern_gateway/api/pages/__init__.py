"""The gateway's own pages: rendered here, usable without JavaScript, safe beside hostile notebooks.

markup    HTML that hostile text cannot break into
layout    the frame and the style of every page, and the headers that go with them
forms     one-time form tokens: what authorises a POST
browser   the login cookie, and what a page's request must look like
login     /login, /login/finish, /logout
home      /: what waits for me
device    /device: confirm a program's login
decision  /approvals/N: where an approval is decided
facts     the rows that say who asks for what, shared by home and decision
"""
