"""OpenID Connect: the gateway as relying party. Settings are `[[identity.oidc]]` (jupyter_govern/config/identity.py).

errors     why a token or a provider is not believed, a closed set
fetch      JSON documents over verified TLS, bounded
discovery  a provider's endpoints, kept for an hour
keys       an issuer's public keys, with rotation and no refetch storm
claims     claims → subject, groups, attributes (pure)
verify     token, keys, rules → Identity or refusal (pure)
verifier   these together, for one provider
authlib_client  Authlib's OAuth client, as it is used here
flow       the flows with one provider: code with PKCE, refresh, revocation, logout
pending    logins under way: state, nonce and PKCE secret, bound to a browser
logins     logins that live, with what keeps them, encrypted
service    from the first redirect to a `login` token of ours
recheck    the provider is asked again; its no ends a login
logout     logout from here and from there
build      all of it from govern.toml
"""
