"""govern.toml as one strict schema. Needs the [gateway] extra (pydantic).

model    every setting, with its meaning
secrets  secrets by reference: env or file, never in the TOML
load     TOML → model, with errors that name file, key and what was probably meant
schema   the JSON Schema, written to schema/govern.schema.json
"""
