"""A small TCP proxy in a separate process that passes, delays, stalls, cuts and resets connections."""
import asyncio
import multiprocessing
import random
import socket
import struct
import threading
import urllib.parse

from support.servers import free_port


class Link:
    """One connection and its counterpart."""

    def __init__(self, near, far):
        self.near, self.far = near, far

    def reset(self):
        for writer in (self.near, self.far):
            raw = writer.get_extra_info("socket")
            if raw is not None and not writer.is_closing():
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Control:
    def __init__(self, host, port):
        self.target = host, port
        self.mode, self.delay, self.chance = "pass", 0.0, 0.0
        self.passing = asyncio.Event()
        self.passing.set()
        self.links = set()
        self.tasks = set()

    async def set(self, mode, delay, chance):
        self.mode, self.delay, self.chance = mode, delay, chance
        if mode == "new":  # waiting clients continue to wait
            self.passing = asyncio.Event()
        (self.passing.clear if mode == "stall" else self.passing.set)()
        if mode == "cut":
            for link in list(self.links):
                link.reset()

    async def retarget(self, port):
        self.target = self.target[0], port
        return await self.reset()

    async def reset(self):
        count = len(self.links)
        for link in list(self.links):
            link.reset()
        return count

    async def pump(self, reader, writer, link, passing):
        while data := await reader.read(65536):
            await passing.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.chance and random.random() < self.chance:
                writer.write(data[:len(data) // 2])
                await writer.drain()
                link.reset()
                return
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def accept(self, reader, writer):
        self.tasks.add(task := asyncio.current_task())
        task.add_done_callback(self.tasks.discard)
        if self.mode == "cut":
            writer.transport.abort()
            return
        link, passing = None, self.passing
        try:
            await passing.wait()
            other_reader, other_writer = await asyncio.open_connection(*self.target)
            link = Link(writer, other_writer)
            self.links.add(link)
            await asyncio.gather(self.pump(reader, other_writer, link, passing), self.pump(other_reader, writer, link, passing))
        except OSError:
            pass
        finally:
            self.links.discard(link)
            for one in (writer, link.far if link else writer):
                one.close()


def serve(pipe, port, host, target_port):
    loop = asyncio.new_event_loop()

    async def start():
        control = Control(host, target_port)
        await asyncio.start_server(control.accept, "127.0.0.1", port, backlog=4096)
        return control
    control = loop.run_until_complete(start())
    pipe.send("open")

    def commands():
        while True:
            try:
                name, arguments = pipe.recv()
            except (EOFError, OSError):
                loop.call_soon_threadsafe(loop.stop)
                return
            pipe.send(asyncio.run_coroutine_threadsafe(getattr(control, name)(*arguments), loop).result())
    threading.Thread(target=commands, daemon=True).start()
    loop.run_forever()


class Proxy:
    def __init__(self, port, host="127.0.0.1", listen=None):
        self.port = listen or free_port()
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, self.port, host, port), daemon=True)
        self.process.start()
        other.close()
        assert self.pipe.poll(30) and self.pipe.recv() == "open"

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def database_url(self, url):
        """The same PostgreSQL URL, through the proxy."""
        parts = urllib.parse.urlsplit(url)
        return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self.port}").geturl()

    def _call(self, name, *arguments):
        self.pipe.send((name, arguments))
        assert self.pipe.poll(30), f"the proxy did not answer {name}"
        return self.pipe.recv()

    def passes(self, delay=0.0, chance=0.0):
        """Passes data, each piece after `delay` seconds, and resets a connection with that probability at each piece."""
        self._call("set", "pass", delay, chance)

    def stall(self):
        """Nothing passes; connections stay."""
        self._call("set", "stall", 0.0, 0.0)

    def passes_new(self):
        """After stall(): new connections pass, the old ones stay stalled."""
        self._call("set", "new", 0.0, 0.0)

    def cut(self):
        """Resets everything and accepts nothing."""
        self._call("set", "cut", 0.0, 0.0)

    def retarget(self, port):
        """Connects to another port from now on."""
        return self._call("retarget", port)

    def reset(self):
        """Resets open connections; new connections pass. Returns their number."""
        return self._call("reset")

    def stop(self):
        self.pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
