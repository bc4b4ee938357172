"""JupyterHub as a road to a gateway token: the Hub says which server asks, the identity provider's own id_token says who it is.

presented  what the Hub says of a presented token, and what makes it a notebook server's (pure; read this first)
api        the questions put to the Hub: bounded, cached for seconds, fail closed
proof      the id_token in auth_state against the Hub's word for who it is (pure)
id_tokens  that id_token before the gateway's own verifier
exchange   a hub token for a short-lived gateway token bound to person, server, kernel and hub token; every refusal on record
recheck    the Hub asked again and again whether it still knows the tokens that logins hang on
setup      [identity.jupyterhub] → these parts
"""
