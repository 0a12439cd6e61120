"""A day of the hotline on fake time: invented reports, contacts who answer as people do, and a gateway that dies at noon.

Everything between the door and the gateway is the real thing; only time, phones and people are played.
"""
