#!/usr/bin/python3
"""chat_peer.py - as chat_peer.mjs, by Python's websockets: somebody in the lobby, for a judge at a
pipe.

	/usr/bin/python3 chat_peer.py HOST:PORT NAME
"""
import asyncio
import json
import sys

import websockets


async def hear(socket):
    async for data in socket:
        said = json.loads(data)
        if said.get("ok") is False:
            print("no", said["fault"], said["text"], flush=True)
        elif said.get("tag") == "join":
            print("in", flush=True)
        elif said.get("event") == "message":
            print(json.dumps([said["who"], said["text"]]), flush=True)
        elif said.get("event") in ("exited", "over"):
            print("out", said["text"], flush=True)


async def main(address, name):
    async with websockets.connect(f"ws://{address}/.chat", origin=f"http://{address}") as socket:
        ears = asyncio.ensure_future(hear(socket))
        await socket.send(json.dumps({"do": "guest", "name": name, "tag": "guest"}))
        await socket.send(json.dumps({"do": "join", "room": "lobby", "tag": "join"}))
        count = 0
        while line := await asyncio.to_thread(sys.stdin.readline):
            count += 1  # the tag is the message's id
            await socket.send(json.dumps({"do": "say", "room": "lobby", "text": line.rstrip("\n"),
                                          "tag": f"say-{count}"}))
        ears.cancel()


asyncio.run(main(*sys.argv[1:]))
