"""Shared by the system tests: real servers, the programs as processes, a receiver that misbehaves on demand."""
