"""What the system tests share: real servers, the programs as processes, a receiver that misbehaves on demand."""
