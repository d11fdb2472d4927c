"""The tables of the runbooks: one engine, forward migrations, and functions from rows to frozen values."""
