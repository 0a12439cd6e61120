"""A hotline against human trafficking: a text becomes a report, the right officer is told, and answers."""
