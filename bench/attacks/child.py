"""Processes beside the measurement: the measuring process must wait only for Posthorn."""
import multiprocessing
import os
import signal

from world import Failure

CONTEXT = multiprocessing.get_context("spawn")


def run(over, pipe, work, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)  # a real attacker's machine would not use our CPU
    work(over, pipe.send, *arguments)


class Child:
    """work(over, say, *arguments) in a process: over is set when it should end; told() reads what say(value) sends."""

    def __init__(self, work, *arguments):
        self.over = CONTEXT.Event()
        self.near, far = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=run, args=(self.over, far, work, arguments), daemon=True)
        self.process.start()
        far.close()

    def told(self, seconds=120):
        if not self.near.poll(seconds):
            raise Failure(f"a process of the attack said nothing within {seconds} s")
        return self.near.recv()

    def stop(self):
        self.over.set()
        self.process.join(15)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
