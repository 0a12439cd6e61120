"""The shelf of gateways: one file each, both directions, no session and no queue."""
