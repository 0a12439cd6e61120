"""A hotline against human trafficking: a text becomes a report, the right officer is told, and answers."""

import gc

# Python looks for garbage after every 700 new objects, which a program of many modules and rows pays for with a sixth of its
# start and of its work. Reference counts free nearly all of it at once; what is left may lie a little longer.
gc.set_threshold(20_000, 20, 20)
