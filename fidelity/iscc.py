"""Signs photos and holds the Image-Code of each record against that of iscc-lib and Pillow, of the same file."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "adapters" / "iscc"))

import iscc_lib
from normalized import normalized
from PIL import Image

BITS = 256
# A record is looked up within 64 bits; a few that rounding turns over change nothing.
MOST_BITS = 16


def bits(iscc: str) -> int:
    return int.from_bytes(iscc_lib.iscc_decode(iscc)[-1], "big")


def theirs(path: Path) -> str:
    with Image.open(path) as image:
        return iscc_lib.gen_image_code_v0(normalized(image).tobytes(), BITS).iscc


def main(credlink: str, photos: Path) -> int:
    distances, unsigned, codeless = Counter(), [], []
    with TemporaryDirectory() as folder:
        place = Path(folder)
        keys, store = place / "keys", place / "store"
        subprocess.run([credlink, "keys", "generate", keys], check=True, capture_output=True)
        for number, photo in enumerate(sorted(path for path in photos.rglob("*") if path.is_file())):
            signed = place / f"{number}{photo.suffix}"
            command = [credlink, "sign", photo, signed, "--keys", keys, "--store", store, "--no-watermark", "--json"]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode != 0:
                unsigned.append(photo.name)
                continue
            proof = json.loads(made.stdout)["proof"]
            record = next(record for record in records(store) if record["id"] == proof)
            if "image_code" not in record:
                codeless.append(photo.name)
                continue
            distance = (bits(record["image_code"]) ^ bits(theirs(signed))).bit_count()
            distances[distance] += 1
            if distance > MOST_BITS:
                print(f"{photo.name}: {distance} bits")
            signed.unlink()
    print(f"{sum(distances.values())} pictures, {len(unsigned)} not signed, {len(codeless)} of one colour")
    for distance, count in sorted(distances.items()):
        print(f"{distance} bits: {count}")
    return 0 if distances and max(distances) <= MOST_BITS else 1


def records(store: Path):
    for path in store.rglob("records*.jsonl"):
        # The first line is the header.
        for line in path.read_text().splitlines()[1:]:
            yield json.loads(line)["record"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
