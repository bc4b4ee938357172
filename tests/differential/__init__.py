"""Random queries and TPC-H: what a person gets through the gateway must be what PostgreSQL gives over a copy that is masked already."""
