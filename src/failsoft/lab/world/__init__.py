"""The lab's world: one small company's cluster, monitoring and chat, all on loopback, to try things in."""
