"""Commands of `jupyter govern` that need the gateway: gateway, check, explain."""
