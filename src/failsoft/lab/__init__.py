"""The lab: a small world on loopback to try failsoft in, to test it in, and to show the whole loop in."""
