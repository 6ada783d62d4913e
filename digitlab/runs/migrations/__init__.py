"""How the run store's tables came to be what they are, one step a file, carried out by Alembic."""
