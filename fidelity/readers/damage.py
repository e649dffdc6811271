"""Shows that the check can fail: signed files are broken on purpose, and every reader of manifests must say so."""

from dataclasses import dataclass

from programs import ALL


@dataclass
class Broken:
    """What a reader said of one broken file."""

    reader: str
    format: str
    how: str
    complaints: list
    # What it says of the same file unbroken.
    before: list

    @property
    def noticed(self):
        """Something new. A reader that refuses the unbroken file, which is a finding or known already, need not say more."""
        refuses = any(not one.startswith(("note", "ingredient note")) for one in self.before)
        return refuses or bool(set(self.complaints) - set(self.before))


def flipped_picture(signed, data):
    """One bit of the picture's own bytes, which signing without a mark leaves as they were: found by a piece from the middle of
    the source, which must lie in the signed file once."""
    source = signed.original.read_bytes()
    middle = len(source) // 2
    for at in (middle, middle + 64, middle - 64):
        piece = source[at : at + 16]
        if data.count(piece) == 1:
            found = data.index(piece)
            return data[:found] + bytes([data[found] ^ 1]) + data[found + 1 :]
    return None


def flipped_claim(signed, data):
    """One bit of what the signer claims, in the name of a field. A GIF cuts the manifest into blocks, and with it perhaps a name."""
    at = next((data.find(name) for name in (b"claim_generator_info", b"created_assertions", b"instanceID") if name in data), -1)
    return None if at < 0 else data[: at + 3] + bytes([data[at + 3] ^ 1]) + data[at + 4 :]


def truncated(signed, data):
    return data[: len(data) * 3 // 5]


WAYS = {"one bit of the picture": flipped_picture, "one bit of the claim": flipped_claim, "the last two fifths gone": truncated}


def check(readers, files, folder):
    """The first unmarked file of each format, broken in every way, before every reader of its manifest."""
    place, found = folder / "broken", []
    place.mkdir()
    for kind in ALL:
        signed = next((one for one in files if one.format == kind and one.kind == "unmarked"), None)
        if signed is None:
            continue
        data = signed.path.read_bytes()
        for how, way in WAYS.items():
            changed = way(signed, data)
            if changed is None:
                raise RuntimeError(f"{signed.path.name} could not be broken: {how}")
            path = place / f"{how.replace(' ', '-')}{signed.path.suffix}"
            path.write_bytes(changed)
            for reader in readers:
                if kind in reader.formats:
                    found.append(Broken(reader.name, kind, how, reader.read(path, kind), reader.read(signed.path, kind)))
    return found
