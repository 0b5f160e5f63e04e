"""From a document to aligned paragraph pairs to embedded passages in Chroma."""
