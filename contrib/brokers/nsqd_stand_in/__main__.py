"""`python -m brokers.nsqd_stand_in`: what `nsqd` would be called with."""

from brokers.nsqd_stand_in.server import main

main()
