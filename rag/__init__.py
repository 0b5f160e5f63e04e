"""A question to evidence to a cited, checked answer."""
