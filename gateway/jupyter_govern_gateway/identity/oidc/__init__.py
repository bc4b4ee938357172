"""OpenID Connect: the gateway as relying party. Settings are `[[identity.oidc]]` (jupyter_govern/config/identity.py).

errors     why a token or a provider is not believed, a closed set
fetch      JSON documents over verified TLS, bounded
discovery  a provider's endpoints, kept for an hour
keys       an issuer's public keys, with rotation and no refetch storm
claims     claims → subject, groups, attributes (pure)
verify     token, keys, rules → Identity or refusal (pure)
verifier   these together, for one provider
"""
