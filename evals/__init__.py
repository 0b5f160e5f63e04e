"""Gold facts, metrics, controls and reports: how answers are measured."""
