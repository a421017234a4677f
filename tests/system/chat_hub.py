"""chat_hub.py - a hub of chat for the tests of its clients, in the line protocol.

	with ChatHub() as hub:
		...Client(hub.place)...
		hub.say("lobby", "bob", "hello")

It keeps a room's log, numbers and ids as docs/chat-protocol.md says, and does on top of that what
no hub should: lose answers, cut connections, send rubbish. `hub.answer` may be set to a function
(session, line) that returns True for a line that it has dealt with.

Never: a fixed port, or a wait that is not for something.
"""
import os
import socket
import ssl
import threading

from served import WEFT as BUILT

AT = "2026-11-21T17:20:01.123Z"
PATIENCE_S = 60
WEFT = os.path.abspath(BUILT)

# What would steer a terminal, as it stands in a line.
EVIL = "\\u{1b}[2J\\u{1b}[31m\\u{7}\\u{202e}\\u{9b}1mred"


def environment(**more):
    """For a client: of this machine, but nothing that tells it who it is."""
    dropped = ("WEFT_TOKEN", "WEFT_CHAT_PASSWORD", "TMUX", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", **more}


class Session:
    """One connection of a client."""

    def __init__(self, hub, peer):
        self.hub, self.peer = hub, peer
        self.name = None
        self.rooms = set()
        self.is_deaf = False  # and dumb

    def send(self, line):
        if self.is_deaf:
            return
        data = line if isinstance(line, bytes) else line.encode() + b"\n"
        try:
            self.peer.sendall(data)
        except OSError:
            pass

    def cut(self):
        """The connection is gone, without a word."""
        try:
            self.peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def run(self):
        try:
            for line in self.peer.makefile("rb"):
                line = line.decode().rstrip("\n")
                with self.hub.lock:
                    self.hub.lines.append(line)
                    if not self.is_deaf and not (self.hub.answer and
                                                 self.hub.answer(self, line)):
                        self.hub.take(self, line)
                    self.hub.changed.notify_all()
        except (OSError, UnicodeDecodeError):
            pass
        finally:
            with self.hub.lock:
                if self in self.hub.sessions:
                    self.hub.sessions.remove(self)
                self.hub.changed.notify_all()
            self.peer.close()


class Room:
    def __init__(self, epoch="1a2b3c4d"):
        self.epoch, self.topic = epoch, "Welcome"
        self.log = []  # of (who, text); the first is number 1
        self.ids = {}  # of (who, id): its number


class ChatHub:
    def __init__(self, address=("127.0.0.1", 0), tls=None):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.rooms = {"lobby": Room(), "dev": Room("00000002")}
        self.sessions, self.lines = [], []
        self.answer = None
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.listener = socket.socket(family)
        if family == socket.AF_INET:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(16)
        self.address = self.listener.getsockname()
        if family == socket.AF_UNIX:
            self.place = f"unix:{address}"
        else:
            self.place = f"{'tls://' if tls else ''}127.0.0.1:{self.address[1]}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()
        self.cut()

    def close(self):
        """Let nobody in any more."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.begin, args=(peer,), daemon=True).start()

    def begin(self, peer):
        try:
            if self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
        except OSError:
            return
        session = Session(self, peer)
        with self.lock:
            self.sessions.append(session)
            self.changed.notify_all()
        session.run()

    def cut(self):
        with self.lock:
            for session in list(self.sessions):
                session.cut()

    def wait(self, holds):
        """Wait until holds() does."""
        with self.lock:
            assert self.changed.wait_for(holds, PATIENCE_S), f"it did not happen: {self.lines}"

    def wait_line(self, line):
        self.wait(lambda: line in self.lines)

    # ---- The protocol --------------------------------------------------------------------------

    def say(self, room, who, text):
        with self.lock:
            self.rooms[room].log.append((who, text))
            seq = len(self.rooms[room].log)
            for session in self.sessions:
                if room in session.rooms and not session.is_deaf:
                    session.send(self.event(room, seq))
            return seq

    def tell(self, line):
        """A line to everybody."""
        with self.lock:
            for session in self.sessions:
                session.send(line)

    def event(self, name, seq):
        room = self.rooms[name]
        who, text = room.log[seq - 1]
        return f"message {name} {room.epoch} {seq} {AT} {who} {text}"

    def take(self, session, line):
        tag, words = "", line
        if line.startswith("#"):
            tag, _, words = line.partition(" ")
            tag += " "
        verb, _, rest = words.partition(" ")
        do = getattr(self, "do_" + verb.lower().replace("-", "_"), None)
        if not do:
            session.send(f"{tag}NO bad-command there is no such command")
        else:
            do(session, tag, rest)

    def come_in(self, session, tag, name):
        if any(other.name == name for other in self.sessions):
            session.send(f"{tag}NO name-taken this name is taken")
            return
        session.name = name
        session.send(f"{tag}OK {name}")

    def do_guest(self, session, tag, rest):
        self.come_in(session, tag, "~" + rest.split(" ")[0])

    def do_login(self, session, tag, rest):
        name, _, password = rest.partition(" ")
        if password == "secret":
            self.come_in(session, tag, name)
        else:
            session.send(f"{tag}NO wrong the name or the password is wrong")

    def do_token(self, session, tag, rest):
        if rest == "weft_token":
            self.come_in(session, tag, "mia")
        else:
            session.send(f"{tag}NO revoked this token is not valid")

    def do_join(self, session, tag, rest):
        name, *after = rest.split(" ")
        room = self.rooms.get(name)
        if not room:
            session.send(f"{tag}NO no-room there is no such room")
            return
        last = len(room.log)
        session.rooms.add(name)
        here = sum(name in other.rooms for other in self.sessions)
        session.send(f"entered {name} {room.epoch} {last} {here} {room.topic}")
        begin = last
        if after and after[0] == "last":
            begin = max(0, last - int(after[1]))
        elif after:
            begin = int(after[1]) if after[0] == room.epoch else 0
        for seq in range(begin + 1, last + 1):
            session.send(self.event(name, seq))
        session.send(f"{tag}OK {name} {room.epoch} {last} 0")
        for other in self.sessions:
            if name in other.rooms and other is not session:
                other.send(f"joined {name} {here} {session.name}")

    def do_leave(self, session, tag, rest):
        session.rooms.discard(rest.split(" ")[0])
        session.send(f"{tag}OK")

    def do_say(self, session, tag, rest):
        name, _, text = rest.partition(" ")
        room = self.rooms[name]
        key = (session.name, tag)
        with self.lock:  # nothing that is said later comes ahead of the OK
            if key not in room.ids:
                room.ids[key] = self.say(name, session.name, text)
            session.send(f"{tag}OK {name} {room.epoch} {room.ids[key]}")

    def do_history(self, session, tag, rest):
        name, *words = rest.split(" ")
        log = self.rooms[name].log
        limit = int(words[-1])
        if words[0] == "after":
            begin = int(words[1])
            end = min(len(log), begin + limit)
        else:
            end = int(words[1]) - 1 if words[0] == "before" else len(log)
            begin = max(0, end - limit)
        for seq in range(begin + 1, end + 1):
            session.send(tag + self.event(name, seq))
        session.send(f"{tag}OK")

    def do_direct(self, session, tag, rest):
        name = f"@{'+'.join(sorted([rest, session.name]))}"
        self.rooms.setdefault(name, Room("0000000d"))
        session.send(f"{tag}OK {name}")

    def do_rooms(self, session, tag, _):
        for name, room in self.rooms.items():
            session.send(f"{tag}room {name} {room.epoch} {len(room.log)} 0 1 - {room.topic}")
        session.send(f"{tag}OK")

    def do_members(self, session, tag, rest):
        for other in self.sessions:
            if rest in other.rooms:
                session.send(f"{tag}member {other.name} here")
        session.send(f"{tag}OK")

    def do_kick(self, session, tag, _):
        session.send(f"{tag}NO not-allowed this is not allowed")

    def do_ban(self, session, tag, rest):
        _, name, _, why = rest.split(" ", 3)
        self.do_announce(session, tag, f"{name} is banned: {why}")

    def do_make(self, session, tag, rest):
        name, _, topic = rest.split(" ", 2)
        self.rooms[name] = Room("0000000e")
        self.rooms[name].topic = topic
        session.send(f"{tag}OK {name}")

    def do_search(self, session, tag, rest):
        text = rest.partition(" ")[2]
        for name, room in self.rooms.items():
            for seq, (_, said) in enumerate(room.log, 1):
                if text in said:
                    session.send(tag + self.event(name, seq))
        session.send(f"{tag}OK")

    def do_who(self, session, tag, _):
        session.send(f"{tag}client 7 ~mia 127.0.0.1 tcp {AT} 1 0")
        session.send(f"{tag}OK")

    def do_stats(self, session, tag, _):
        session.send(f"{tag}stat rooms 2")
        session.send(f"{tag}stat clients 1")
        session.send(f"{tag}OK")

    def do_announce(self, session, tag, rest):
        self.tell(f"notice lobby {self.rooms['lobby'].epoch} "
                  f"{self.say_quietly('lobby', rest)} {AT} SERVER {rest}")
        session.send(f"{tag}OK")

    def say_quietly(self, room, text):
        self.rooms[room].log.append(("SERVER", text))
        return len(self.rooms[room].log)

    def do_read(self, session, tag, _):
        session.send(f"{tag}OK")

    do_ping = do_invite = do_read

    def do_quit(self, session, tag, _):
        self.sessions.remove(session)  # her name is free before she can come again
        session.send(f"{tag}OK")
        session.cut()
