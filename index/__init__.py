"""A document becomes numbered paragraph pairs, and embedded passages in Chroma. Imports no other room."""
