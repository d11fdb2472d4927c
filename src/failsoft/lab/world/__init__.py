"""The lab's world: one small company's cluster, monitoring and chat, all on loopback, that a person can try things in."""
