"""The attacks of bench/isolation: one module for each kind of attacker, and the system on which they are measured."""
