"""Processes that share a socket: each takes its part of the connections, and none any more once it is closed."""

import asyncio
import socket

import pytest

from api.workers import Listener, Loop


class Echo(asyncio.Protocol):
    """Answers with the name of who took the connection."""

    def __init__(self, name: str, taken: list[str]) -> None:
        taken.append(name)
        self.name = name.encode()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(self.name + data)


@pytest.fixture
def shared():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def run(main):
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)


async def served(shared, names, taken):
    loop = asyncio.get_running_loop()
    # A copy of the socket each, as processes have it.
    return [
        await loop.create_server(lambda name=name: Echo(name, taken), sock=shared.dup(), backlog=100) for name in names
    ]


async def asked(shared, count):
    opened = await asyncio.gather(*(asyncio.open_connection(*shared.getsockname()) for _ in range(count)))
    answers = []
    for reader, writer in opened:
        writer.write(b"?")
        answers.append((await asyncio.wait_for(reader.read(10), 10)).decode())
    return opened, answers


def test_each_takes_its_part(shared):
    async def main():
        taken: list[str] = []
        listeners = await served(shared, ["a", "b"], taken)
        assert all(isinstance(listener, Listener) for listener in listeners)
        opened, answers = await asked(shared, 8)
        assert sorted(answers) == sorted(f"{name}?" for name in taken)
        assert 2 <= taken.count("a") <= 6
        for _, writer in opened:
            writer.close()
        await close(listeners)

    run(main())


async def close(listeners):
    for listener in listeners:
        listener.close()
        listener.close()
        await listener.wait_closed()
        for own in listener.sockets:
            own.close()


def test_many_at_once_are_all_taken(shared):
    async def main():
        taken: list[str] = []
        listeners = await served(shared, ["a", "b"], taken)
        opened, answers = await asked(shared, 200)
        assert len(answers) == len(taken) == 200
        for _, writer in opened:
            writer.close()
        await close(listeners)

    run(main())


def test_who_is_closed_takes_none(shared):
    async def main():
        taken: list[str] = []
        first, second = await served(shared, ["a", "b"], taken)
        await close([first])
        opened, answers = await asked(shared, 5)
        assert answers == ["b?"] * 5
        for _, writer in opened:
            writer.close()
        await close([second])

    run(main())


def test_a_socket_of_ones_own_is_the_loops_own_matter():
    async def main():
        server = await asyncio.get_running_loop().create_server(lambda: Echo("a", []), "127.0.0.1", 0)
        assert not isinstance(server, Listener)
        server.close()
        await server.wait_closed()

    run(main())
