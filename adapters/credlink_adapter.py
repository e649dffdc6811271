"""What all Python adapters share: the line protocol credlink-adapter/1, and nothing about images.

Import this module before any other: it keeps the real standard output for answers and points file descriptor 1 at
standard error, so that a library that prints a banner cannot break the protocol. It also asks numerical libraries for
one thread, because the harness runs one worker on each core. Standard library only.

An adapter is a class. Its attributes are members of the hello answer, its constructor takes the hello request, and its
methods answer the others; any exception becomes an answer of status `error`:

    sign(image, media_type, out, id, payload)    returns signed(...), or raises Refused
    seal(registry)                               returns how many entries it holds; only with keeps_records
    verify(image, media_type)                    returns verdict(...)

Packages are imported inside `with packages():`, and the script ends with `serve(TheClass)`.
"""

import base64
import contextlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
os.dup2(2, 1)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

PROTOCOL = 1
# Members of the hello answer with what they are if the class does not set them; None is left out.
MEMBERS: dict[str, Any] = {"payload_bits": 0, "inputs": [], "carrier": {}, "score": None, "strength": None}
MEMBERS |= {"keeps_records": False, "deterministic": True, "concurrency": "parallel"}
# The operations of a loaded system: what the answer is called, and which members of the request are the arguments.
OPERATIONS = {
    "sign": ("signed", ("image", "media_type", "out", "id", "payload")),
    "seal": ("sealed", ("registry",)),
    "verify": ("verified", ("image", "media_type")),
}


class Failed(Exception):
    """A request that cannot be answered: a short cause in kebab-case, and a line of detail."""

    def __init__(self, cause: str, detail: str = ""):
        super().__init__(detail)
        self.cause, self.detail = cause, detail


class Refused(Failed):
    """An image that the system declines to sign."""


class Missing(Exception):
    """Something that the system needs and that is not here; the text says how to get it."""


@contextlib.contextmanager
def packages() -> Iterator[None]:
    """Around the imports of an adapter: with one that fails, the answer to hello is what is missing, and the end."""
    try:
        yield
    except ImportError as error:
        # A package that is there and cannot be loaded, say for want of a shared library, explains itself.
        what = f"{error.name} is not installed" if isinstance(error, ModuleNotFoundError) else str(error)
        sys.stdin.buffer.readline()
        _send({"op": "hello", "error": _one_line(f"{what}; run adapters/install {os.path.basename(os.getcwd())}")})
        sys.exit(0)


def variant(known: Iterable[str]) -> str:
    """The variant that the command names by its last argument."""
    name = sys.argv[-1]
    if name not in known:
        raise Missing(f"no variant {name}: one of {', '.join(known)}")
    return name


def bits_of(payload: str, count: int) -> list[int]:
    """The first `count` bits of a payload in hex, most significant bit first."""
    return [byte >> place & 1 for byte in bytes.fromhex(payload) for place in range(7, -1, -1)][:count]


def hex_of(bits: Iterable[Any]) -> str:
    """Bits, anything true or false, as a payload in hex; the last byte is filled up with zeros."""
    text = "".join("1" if bit else "0" for bit in bits)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").hex()


def signed(media_type: str, changed: bool = True, record: bytes | None = None) -> dict[str, Any]:
    """The answer to a signed image; `record` is what the registry keeps of it."""
    kept = {} if record is None else {"record": base64.b64encode(record).decode("ascii")}
    return {"media_type": media_type, "changed": changed} | kept


def verdict(state: str, **members: Any) -> dict[str, Any]:
    """The answer to a received image: its state, and payload, id, score, candidates and codes if known."""
    return {"state": state} | {name: value for name, value in members.items() if value is not None}


def records_in(registry: str) -> Iterator[tuple[str, bytes]]:
    """The id and the record of every line of the file that `seal` names."""
    with open(registry, encoding="utf-8") as lines:
        for entry in map(json.loads, filter(str.strip, lines)):
            if entry.get("record"):
                yield entry["id"], base64.b64decode(entry["record"])


def serve(load: Callable[[dict[str, Any]], Any]) -> None:
    """Answer requests, a line each, until `bye` or the end of the input; `load` makes the system at hello."""
    system = None
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
            operation = request["op"]
        except (ValueError, KeyError, TypeError):
            _send({"op": "error", "cause": "not-a-request"})
            continue
        if operation == "bye":
            return
        if operation == "hello":
            system, answer = _hello(load, request)
            _send(answer)
            if system is None:
                return
        elif operation in OPERATIONS and hasattr(system, operation):
            answered, arguments = OPERATIONS[operation]
            _send({"op": answered, "seq": request.get("seq")} | _said(getattr(system, operation), request, arguments))
        else:
            _send({"op": "error", "seq": request.get("seq"), "cause": "unknown-op"})


def _hello(load: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The loaded system and its description; without a system, the description says what is missing."""
    try:
        if PROTOCOL not in request.get("protocols", []):
            raise Missing(f"this adapter speaks protocol {PROTOCOL} only")
        system = load(request)
    except Exception as error:
        traceback.print_exc()
        return None, {"op": "hello", "error": _one_line(str(error) or type(error).__name__)}
    named = {name: getattr(system, name) for name in ("name", "version", "licence", "source")}
    members = {name: getattr(system, name, usual) for name, usual in MEMBERS.items()}
    stated = {name: value for name, value in members.items() if value is not None}
    return system, {"op": "hello", "protocol": PROTOCOL, "system": named} | stated


def _said(method: Any, request: dict[str, Any], arguments: tuple[str, ...]) -> dict[str, Any]:
    """What the system says to one request, or why it cannot say anything."""
    try:
        answer = method(*map(request.__getitem__, arguments))
        return {"entries": answer} if isinstance(answer, int) else {"status": "ok"} | answer
    except Failed as failure:
        status = "refused" if isinstance(failure, Refused) else "error"
        return {"status": status, "cause": failure.cause, "detail": _one_line(failure.detail)}
    except Exception as error:
        traceback.print_exc()
        cause = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(error).__name__).lower().strip("_")
        return {"status": "error", "cause": cause, "detail": _one_line(str(error))}


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]


def _send(answer: dict[str, Any]) -> None:
    _answers.write(json.dumps(answer) + "\n")
    _answers.flush()
