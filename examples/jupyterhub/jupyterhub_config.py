"""A JupyterHub (5 or 6) whose people log in by OpenID Connect and whose notebooks reach data through jupyter-govern only.

Complete: `make hub-demo` runs this very file. What differs from site to site comes from the environment; README.md says what each part is
for, and which line is missed most.
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821 (JupyterHub's loader provides it)

# -- people: OpenID Connect, with the tokens kept (encrypted) so that the gateway can check the proof itself -----------

issuer = os.environ["OIDC_ISSUER"].rstrip("/")
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.client_id = os.environ.get("OIDC_CLIENT_ID", "jupyterhub")
c.GenericOAuthenticator.client_secret = os.environ["OIDC_CLIENT_SECRET"]
c.GenericOAuthenticator.oauth_callback_url = os.environ["HUB_PUBLIC_URL"].rstrip("/") + "/hub/oauth_callback"
c.GenericOAuthenticator.authorize_url = os.environ.get("OIDC_AUTHORIZE_URL", f"{issuer}/oauth/authorize")
c.GenericOAuthenticator.token_url = os.environ.get("OIDC_TOKEN_URL", f"{issuer}/oauth/token")
c.GenericOAuthenticator.userdata_url = os.environ.get("OIDC_USERINFO_URL", f"{issuer}/oauth/userinfo")
c.GenericOAuthenticator.scope = ["openid", "profile", "email", "groups"]
# the gateway compares the same claim with the Hub's user name: [identity.jupyterhub] username_claim
c.GenericOAuthenticator.username_claim = "sub"
c.GenericOAuthenticator.basic_auth = True
c.GenericOAuthenticator.allow_all = True  # whoever the provider lets in; what they may reach is the gateway's policy
c.GenericOAuthenticator.auto_login = True
c.Authenticator.enable_auth_state = True  # needs $JUPYTERHUB_CRYPT_KEY; without it the gateway has no proof to look at
c.Authenticator.auth_refresh_age = 300
c.Authenticator.refresh_pre_spawn = True

# -- the gateway as a service of this Hub ------------------------------------------------------------------------------

gateway = {"name": "govern"}
if os.environ.get("GOVERN_MANAGED"):  # the Hub starts it, stops it, and gives it the token in $JUPYTERHUB_API_TOKEN
    gateway["command"] = ["jupyter-govern", "gateway", os.environ["GOVERN_MANAGED"]]
    gateway["environment"] = {"PATH": os.environ["PATH"], **{k: v for k, v in os.environ.items() if k.startswith("GOVERN_")}}
else:  # it runs elsewhere, with the same token in a file
    gateway["api_token"] = Path(os.environ["GOVERN_SERVICE_TOKEN_FILE"]).read_text().strip()
c.JupyterHub.services = [gateway]

c.JupyterHub.load_roles = [
    {
        # what the gateway may ask: who somebody is, which servers and tokens are theirs, and the proof. It can change nothing
        "name": "govern-gateway",
        "services": ["govern"],
        "scopes": ["admin:auth_state", "read:users", "read:servers", "read:tokens"],
    },
    # `access:services!service=govern` is the Hub's word that somebody may use the gateway at all; take it from the role to shut people out
    {"name": "user", "scopes": ["self", "access:services!service=govern"]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", "access:services!service=govern"]},
]
# what $JUPYTERHUB_API_TOKEN of a notebook server may: report activity, reach itself, reach the gateway. No auth_state, no new tokens
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", "access:services!service=govern"]

# -- notebook servers --------------------------------------------------------------------------------------------------

c.Spawner.environment = {"JUPYTER_GOVERN_URL": os.environ["GOVERN_URL"]}
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 120

# One machine, one account, no isolation: for this example only. With KubeSpawner, DockerSpawner or SudoSpawner leave the next lines out
homes = Path(os.environ.get("HUB_HOMES", "homes")).absolute()
c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
c.SimpleLocalProcessSpawner.home_dir_template = str(homes / "{username}")
c.Spawner.args = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
if hasattr(os, "getuid") and os.getuid() == 0:
    c.Spawner.args.append("--allow-root")

# -- addresses and state -----------------------------------------------------------------------------------------------

c.JupyterHub.bind_url = os.environ["HUB_PUBLIC_URL"]
c.JupyterHub.hub_bind_url = os.environ.get("HUB_BIND_URL", "http://127.0.0.1:8081")
c.ConfigurableHTTPProxy.api_url = os.environ.get("HUB_PROXY_API_URL", "http://127.0.0.1:8001")
c.ConfigurableHTTPProxy.command = os.environ.get("HUB_PROXY_COMMAND", "configurable-http-proxy").split()
c.JupyterHub.db_url = os.environ.get("HUB_DB_URL", "sqlite:///jupyterhub.sqlite")
c.JupyterHub.cookie_secret_file = os.environ.get("HUB_COOKIE_SECRET_FILE", "jupyterhub_cookie_secret")
c.JupyterHub.cleanup_servers = True
