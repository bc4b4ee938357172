"""The secret stores that come with us, each on its maker's own library, which is an optional extra.

hashicorp  `vault:`, HashiCorp Vault and OpenBao
aws        `aws:`, AWS Secrets Manager
"""
