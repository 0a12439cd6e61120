"""Workers: the jobs RQ starts, and the clock that makes lost work impossible."""
