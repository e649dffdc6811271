"""Programs that read and judge manifests. None shares code with another, but c2pa-python with the library that we sign with."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import tempfile

import c2pa

from programs import ALL, run

# Never taken as known from the source: a signed file must have one.
NO_MANIFEST = "no manifest"
MEDIA = {kind: f"image/{kind.lower()}" for kind in ALL}


def told(level, entries):
    return [f"{level} {entry['code']}: {entry.get('explanation') or ''}".rstrip(": ") for entry in entries]


class C2paPython:
    name, formats = "c2pa-python", ALL

    def __init__(self, anchor):
        self.settings = {"trust": {"user_anchors": anchor}, "verify": {"verify_trust": True}}

    def missing(self):
        return None

    def version(self):
        return f"{importlib.metadata.version('c2pa-python')} (c2pa {c2pa.sdk_version()})"

    def read(self, path, kind):
        try:
            context = c2pa.Context(c2pa.Settings.from_dict(self.settings))
            with open(path, "rb") as file, c2pa.Reader(MEDIA[kind], file, context=context) as reader:
                report = json.loads(reader.json())
        except Exception as error:  # whatever it raises is what its user sees
            words = f"{type(error).__name__}: {error}"
            return [NO_MANIFEST if "ManifestNotFound" in words else f"refused: {words}"]
        results = report.get("validation_results", {})
        active = results.get("activeManifest", {})
        lines = told("failure", active.get("failure", [])) + told("note", active.get("informational", []))
        for delta in results.get("ingredientDeltas") or []:
            found = delta["validationDeltas"]
            lines += told("ingredient failure", found["failure"]) + told("ingredient note", found["informational"])
        if report.get("validation_state") != "Trusted":
            lines.append(f"state {report.get('validation_state')}")
        return lines


class Encypher:
    """Rust code of its own, from PyPI. Its reports of failures to its makers are off, also where its user has them on."""

    name, formats = "encypher-c2pa", ALL

    def __init__(self, anchor):
        os.environ["ENCYPHER_C2PA_TELEMETRY"] = "off"
        import encypher_c2pa  # reads the environment

        self.verify, self.anchor = encypher_c2pa.verify, anchor

    def missing(self):
        return None

    def version(self):
        return importlib.metadata.version("encypher-c2pa")

    def read(self, path, kind):
        try:
            report = self.verify(path.read_bytes(), MEDIA[kind], trust_pem=self.anchor, no_default_trust=True)
        except Exception as error:  # whatever it raises is what its user sees
            return [f"refused: {type(error).__name__}: {error}"]
        results = report["validation_results"]
        lines = told("failure", results["failure"]) + told("note", results["informational"])
        if report["integrity"] != "valid":
            found = any(entry["code"].startswith("claimSignature") for level in results.values() for entry in level)
            lines.append(f"integrity {report['integrity']}" if found or lines else NO_MANIFEST)
        for name, right in (("signature", "valid"), ("hard_binding", "match"), ("trust", "valid_for_supplied_material")):
            value = report[name]["status"] if name == "trust" else report[name]
            if value != right:
                lines.append(f"{name} {value}")
        return lines


class C2paTs:
    """TypeScript from npm. One node serves all files: a line with a path in, a line with the findings out."""

    name, formats = "c2pa-ts", ["JPEG", "PNG", "AVIF"]

    def __init__(self, node):
        self.home = os.path.join(node, "node_modules", "@trustnxt", "c2pa-ts")
        self.process = None

    def missing(self):
        if not shutil.which("node"):
            return "`node` is not installed"
        return None if os.path.isdir(self.home) else "`@trustnxt/c2pa-ts` is not installed"

    def version(self):
        with open(os.path.join(self.home, "package.json"), encoding="utf-8") as file:
            return json.load(file)["version"]

    def read(self, path, kind):
        del kind  # it looks for itself
        if self.process is None or self.process.poll() is not None:
            script = os.path.join(os.path.dirname(__file__), "c2pa-ts.mjs")
            self.process = subprocess.Popen(["node", script, self.home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else [f"refused: node ended with status {self.process.wait()}"]


    def close(self):
        """Ends node, which waits for the next path."""
        if self.process:
            self.process.communicate()


class Suite:
    """The conformance suite of encypherai, which no registry has: its command is given by `--suite`. It extracts TIFF by a tag
    that is not that of C2PA 2.2, A.3.5, so it is asked for the others."""

    name, formats = "encypherai suite", ["JPEG", "PNG", "WebP", "GIF", "AVIF"]

    def __init__(self, command, anchor_file):
        self.command, self.anchor = command, anchor_file

    def missing(self):
        if not self.command:
            return ("on no package registry; give the command `c2pa-conform` of a checkout of encypherai/c2pa-conformance-suite by "
                    "`--suite`")
        return None if shutil.which(self.command) else f"`{self.command}` is not installed"

    def version(self):
        return run([self.command, "--version"]).stdout.strip() or "version not told"

    def read(self, path, kind):
        del kind  # it looks for itself
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            done = run([self.command, "validate", path, "--trust-store", self.anchor, "--output", report.name])
            if done.returncode != 0:
                words = (done.stderr or done.stdout).strip()[-200:]
                return [NO_MANIFEST if re.search("no .*(JUMBF|manifest)", words, re.IGNORECASE) else f"refused: {words}"]
            with open(report.name, encoding="utf-8") as file:
                results = json.load(file)["results"]
        return [
            f"{'failure' if one['result'] in ('fail', 'error') else 'note'} {one['predicate_id']} {one.get('status_code', '')}: "
            f"{one.get('message', '')}" for one in results if one["result"] not in ("pass", "skip")
        ]
