"""A WebTTY peer of its own: Python's standard library, Google's protobuf and the published schema. Driven by JSON lines.

peer.py SCHEMA codec                 {"encode": message} -> {"hex": ...}; {"decode": hex} -> {"message": ..., "unknown": bool}
peer.py SCHEMA plain COMMAND ARG...  talks over the standard streams of a command that is a byte pipe to the device
peer.py SCHEMA websocket URL [ADDRESS:PORT]

A talking peer takes {"send": message}, {"body": hex} (a message of these bytes), {"raw": hex} (bytes on the connection), {"text": "..."}
(a text frame), {"end": true} (our side is done) and {"cut": true} (the connection is gone). It says {"message": ..., "unknown": bool}
for each message, {"closed": {"code", "reason"}} for the close frame of a WebSocket, and {"end": why} once.
SCHEMA is a descriptor set as protoc writes it.
"""

import base64
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from urllib.parse import urlsplit

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory


def load(path):
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    found = pool.FindMessageTypeByName("rstream.webtty.protobuf.Message")
    factory = message_factory.MessageFactory(pool)
    return factory.GetPrototype(found)


def has_unknown(message):
    if len(message.UnknownFields()) > 0:
        return True
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if any(has_unknown(one) for one in (value if field.label == field.LABEL_REPEATED else [value])):
            return True
    return False


def described(Message, encoded):
    message = Message.FromString(encoded)
    return {"message": json_format.MessageToDict(message, use_integers_for_enums=True), "unknown": has_unknown(message)}


def encoded(Message, content):
    return json_format.ParseDict(content, Message()).SerializeToString()


said = threading.Lock()


def say(line):
    with said:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def codec(Message):
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "encode" in asked:
                say({"hex": encoded(Message, asked["encode"]).hex()})
            else:
                say(described(Message, bytes.fromhex(asked["decode"])))
        except Exception as error:
            say({"error": str(error)})


class Plain:
    """Messages behind a four-byte length, over the standard streams of a command."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def exactly(self, count):
        taken = self.process.stdout.read(count)
        if len(taken) == 0:
            return None
        if len(taken) < count:
            raise EOFError("ended inside a message")
        return taken

    def receive(self):
        head = self.exactly(4)
        if head is None:
            return None
        length = struct.unpack(">I", head)[0]
        return b"" if length == 0 else self.exactly(length)

    def send(self, body):
        self.raw(struct.pack(">I", len(body)) + body)

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()

    def cut(self):
        self.process.kill()


class WebSocket:
    """One message in each binary frame (RFC 6455), no subprotocol, no extension."""

    def __init__(self, url, address=None):
        parts = urlsplit(url)
        secure = parts.scheme in ("wss", "https")
        host, port = (address.rsplit(":", 1) if address else (parts.hostname, parts.port or (443 if secure else 80)))
        self.socket = socket.create_connection((host, int(port)), 10)
        self.socket.settimeout(None)
        if secure:
            context = ssl.create_default_context()
            self.socket = context.wrap_socket(self.socket, server_hostname=parts.hostname)
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline().decode().split(" ", 2)
        headers = {}
        while True:
            line = self.file.readline().decode().strip()
            if line == "":
                break
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        if status[1] != "101":
            raise ConnectionError(f"HTTP {status[1]}")
        if "sec-websocket-protocol" in headers or "sec-websocket-extensions" in headers:
            raise ConnectionError("the server chose what was not offered")

    def frame(self):
        head = self.file.read(2)
        if len(head) < 2:
            return None
        length = head[1] & 0x7F
        if length == 126:
            length = struct.unpack(">H", self.file.read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.file.read(8))[0]
        return head[0] >> 7, head[0] & 0x0F, self.file.read(length)

    def receive(self):
        whole = b""
        while True:
            frame = self.frame()
            if frame is None:
                return None
            final, opcode, payload = frame
            if opcode == 0x8:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                say({"closed": {"code": code, "reason": payload[2:].decode()}})
                self.write(0x8, payload)
                return None
            if opcode == 0x9:
                self.write(0xA, payload)
            elif opcode in (0x0, 0x2):
                whole += payload
                if final:
                    return whole
            elif opcode != 0xA:
                raise ValueError(f"frame of opcode {opcode}")

    def write(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", size)
        stream = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
        self.socket.sendall(head + mask + masked)

    def send(self, body):
        self.write(0x2, body)

    def text(self, words):
        self.write(0x1, words.encode())

    def raw(self, data):
        self.socket.sendall(data)

    def end(self):
        self.write(0x8, struct.pack(">H", 1000))

    def cut(self):
        self.socket.shutdown(socket.SHUT_RDWR)


def listen(Message, link):
    why = ""
    try:
        while True:
            body = link.receive()
            if body is None:
                break
            say(described(Message, body))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    say({"end": why})


def talk(Message, link):
    threading.Thread(target=listen, args=(Message, link), daemon=True).start()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "send" in asked:
                link.send(encoded(Message, asked["send"]))
            elif "body" in asked:
                link.send(bytes.fromhex(asked["body"]))
            elif "raw" in asked:
                link.raw(bytes.fromhex(asked["raw"]))
            elif "text" in asked:
                link.text(asked["text"])
            elif "end" in asked:
                link.end()
            elif "cut" in asked:
                link.cut()
        except OSError:
            pass  # What the other side closed shows itself where it is read.


def main():
    _, schema, mode, *rest = sys.argv
    Message = load(schema)
    if mode == "codec":
        codec(Message)
        return
    try:
        link = Plain(rest) if mode == "plain" else WebSocket(*rest)
    except OSError as error:
        say({"end": str(error)})
        return
    talk(Message, link)


main()
