"""Intake: who is this, which report, which language, and is it a word we must obey."""
