"""A whole adapter in one file: a watermark of 32 bits in the least significant bits of the blue channel."""

import json
import sys

try:
    from PIL import Image
except ImportError:
    sys.stdin.readline()
    sys.exit(print(json.dumps({"op": "hello", "error": "Pillow is missing; run adapters/install example-python"})))

BITS = 32
SYSTEM = {
    "protocol": 1,
    "system": {"name": "example", "version": "1", "licence": "MIT OR Apache-2.0", "source": "adapters/example-python"},
    "payload_bits": BITS,
    "inputs": ["image/png"],  # A signed image keeps its format, and a JPEG would lose the bits at once.
    "carrier": {"name": "watermark", "place": "pixels", "describes": "32 bits, read from any picture; not a decision"},
    "keeps_records": False, "deterministic": True, "concurrency": "parallel",
}
# For each bit, what becomes of a byte that carries it.
CARRYING = [bytes(value & 0xFE | bit for value in range(256)) for bit in (0, 1)]


def sign(request: dict) -> dict:
    image = Image.open(request["image"]).convert("RGB")
    if image.width * image.height < BITS:
        return {"status": "refused", "cause": "too-small", "detail": f"at least {BITS} pixels"}
    red, green, blue = image.split()
    samples = bytearray(blue.tobytes())
    payload = int(request["payload"], 16)
    for place in range(BITS):
        bit = payload >> (BITS - 1 - place) & 1
        samples[place::BITS] = samples[place::BITS].translate(CARRYING[bit])
    marked = Image.frombytes("L", image.size, bytes(samples))
    Image.merge("RGB", (red, green, marked)).save(request["out"], format="PNG")
    return {"status": "ok", "media_type": "image/png", "changed": True}


def verify(request: dict) -> dict:
    samples = Image.open(request["image"]).convert("RGB").getchannel("B").tobytes()
    votes = [[sample & 1 for sample in samples[place::BITS]] for place in range(BITS)]
    bits = "".join("1" if 2 * sum(each) > len(each) else "0" for each in votes)
    return {"status": "ok", "state": "read", "payload": f"{int(bits, 2):0{BITS // 4}x}"}


ANSWERS = {"hello": ("hello", lambda request: SYSTEM), "sign": ("signed", sign), "verify": ("verified", verify)}
for line in sys.stdin.buffer:
    try:
        request = dict(json.loads(line))
    except (ValueError, TypeError):
        request = {}
    if request.get("op") == "bye":
        break
    name, work = ANSWERS.get(str(request.get("op")), ("error", lambda request: {"cause": "unknown-op"}))
    try:
        answer = work(request)
    except Exception as error:
        answer = {"status": "error", "cause": "unreadable", "detail": str(error)}
    print(json.dumps({"op": name, "seq": request.get("seq")} | answer), flush=True)
