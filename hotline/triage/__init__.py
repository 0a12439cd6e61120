"""Triage says what a message is about, how urgent it is, why we think so, and what is still unknown.

Pure: text in, Assessment out; no database, no queue, no web. docs/triage.md tells how it works and how well.
"""

from hotline.triage.assess import Assessment, Finding, assess, preload

__all__ = ["Assessment", "Finding", "assess", "preload"]
