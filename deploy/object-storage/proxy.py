"""A proxy that behaves as networks do: of the connections that it takes, one in five is refused, cut, delayed or throttled.

proxy.py PORT UPSTREAM_PORT SEED LOG
"""
import random
import socket
import sys
import threading
import time

port, upstream, seed, log_path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
faults = random.Random(seed)
lock = threading.Lock()
log = open(log_path, "a", buffering=1)


def copied(source, sink, limit):
    """Copies until the source ends, or so many bytes have passed."""
    try:
        while limit is None or limit > 0:
            data = source.recv(65536 if limit is None else min(65536, limit))
            if not data:
                break
            sink.sendall(data)
            if limit is not None:
                limit -= len(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def served(client):
    with lock:
        fault = faults.choices(["none", "refused", "cut up", "cut down", "delayed", "throttled"], [80, 4, 4, 4, 4, 4])[0]
        limit = faults.randrange(100, 20000)
    log.write(fault + "\n")
    try:
        if fault == "refused":
            return client.close()
        if fault == "throttled":
            client.recv(65536)
            client.sendall(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return client.close()
        if fault == "delayed":
            time.sleep(2)
        server = socket.create_connection(("127.0.0.1", upstream))
        up = threading.Thread(target=copied, args=(client, server, limit if fault == "cut up" else None))
        up.start()
        copied(server, client, limit if fault == "cut down" else None)
        up.join()
        server.close()
    except OSError:
        pass
    client.close()


listener = socket.create_server(("127.0.0.1", port))
while True:
    connection, _ = listener.accept()
    threading.Thread(target=served, args=(connection,), daemon=True).start()
