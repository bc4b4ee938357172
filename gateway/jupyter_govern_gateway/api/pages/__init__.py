"""The gateway's own pages: rendered here, usable without JavaScript, safe beside hostile notebooks.

markup    HTML that hostile text cannot break into
style     the style sheet
layout    the frame of every page and the headers that go with it
forms     one-time form tokens: what authorises a POST
browser   the login cookie, and what a page's request must look like
site      what the pages share: forms, and how a page for a signed-in person is sent
login     /login, /login/finish: passwords, and the ways to identity providers
oidc      /login/oidc/NAME, /login/callback/NAME, /login/backchannel/NAME: logins at identity providers
logout    /logout
home      /: what waits for me
device    /device: confirm a program's login
decision  /approvals/N: where an approval is decided
facts     the rows that say who asks for what, shared by home and decision
"""
