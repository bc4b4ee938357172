"""SAML 2.0 logins, begun by the gateway, on pysaml2 and xmlsec1 (extra `saml`).

errors     what is refused, and why
pinned     the provider's metadata and the certificates it may sign with
before     what an answer must look like before anything reads it: one assertion, no comment, no entity
assertion  what the library accepted, checked once more, as claims
library    what the library remembers and how it says no, put right
partner    one provider and our side of it: requests out, answers in
service    logins from the first redirect to a login token; replay, browser, record
"""
