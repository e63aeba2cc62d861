"""The attacks of bench/isolation: one module for each kind of means, and the stage on which they are measured."""
