#!/usr/bin/env python3
"""Reads a signed file with the independent c2pa Python package and says what that reader thinks of it.

usage: check_with_c2pa_python.py SIGNED ANCHOR_PEM
exits with 0 if the manifest is valid and trusted under the anchor, else with 1
"""
import json
import mimetypes
import sys

import c2pa


def main() -> int:
    signed, anchor = sys.argv[1:3]
    with open(anchor, encoding="ascii") as file:
        settings = c2pa.Settings.from_dict({"trust": {"user_anchors": file.read()}, "verify": {"verify_trust": True}})
    kind = mimetypes.guess_type(signed)[0] or "image/jpeg"
    with open(signed, "rb") as file, c2pa.Reader(kind, file, context=c2pa.Context(settings)) as reader:
        report = json.loads(reader.json())
    state = report.get("validation_state")
    failures = report.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    print(f"{signed}: {state}")
    for failure in failures:
        print("  ", failure.get("code"), failure.get("explanation", ""))
    return 0 if state == "Trusted" and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
