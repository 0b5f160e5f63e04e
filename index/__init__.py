"""A document to paragraphs to embedded passages in Chroma."""
