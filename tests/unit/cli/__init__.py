"""The dispatcher and the API-side commands."""
